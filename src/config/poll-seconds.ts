/** How often the balance may be asked for, in seconds: at most once a second, at least once a day. */
export const POLL_BOUNDS = { min: 1, max: 86_400 } as const

/** That in words, for sentences that begin with the setting. */
export const POLL_SECONDS = `must be seconds, from ${POLL_BOUNDS.min} to ${POLL_BOUNDS.max}`

/** `30` or `2.5`, seconds; null for anything else, and out of bounds. */
export function pollSeconds(text: string): number | null {
  const value = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  return value >= POLL_BOUNDS.min && value <= POLL_BOUNDS.max ? value : null
}
