const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** What a duration looks like: a whole number of minutes, hours, days or weeks. */
export const DURATION = /^([1-9]\d{0,5})([mhdw])$/

/** `30d`, `12h`, `45m` or `2w` in milliseconds; null for anything else. */
export function durationMs(text: string): number | null {
  const [, count, unit] = DURATION.exec(text) ?? []
  return count === undefined ? null : Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
}
