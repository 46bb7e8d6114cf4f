import type { HoldReason } from './hold.js'

/** What a worker does for pauses to end without a person. */
export interface Endings {
  /** It lifts what time, or another key, ends. */
  readonly autoResume: boolean
  /** It asks for the balance, and lifts the hold for credits at a top-up. */
  readonly topUps: boolean
}

/**
 * What the live workers of a queue do together.
 * @param written gauges by worker, as JSON
 * @param alive names of those whose heartbeat is fresh
 */
export function sumEndings(written: Readonly<Record<string, string>>, alive: readonly string[]): Endings {
  const all = alive.map((name) => JSON.parse(written[name] ?? '{}') as Partial<Endings>)
  return {
    autoResume: all.some(({ autoResume }) => autoResume === true),
    topUps: all.some(({ topUps }) => topUps === true),
  }
}

/** Whether a hold ends by itself once its cause has gone, as things are now: else somebody has to type `resume`. */
export function endsByItself(reason: HoldReason, { autoResume, topUps }: Endings): boolean {
  switch (reason) {
    case 'credentials':
    case 'daily_quota':
    case 'spending_limit':
      return autoResume
    case 'credits':
      return topUps
    case 'storage':
      return true
    case 'person':
      return false
  }
}
