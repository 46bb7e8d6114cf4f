/** A token bucket from `atMs` on (since the first call), full at that moment. */
export interface BucketStep {
  readonly atMs: number
  readonly perSecond: number
  readonly burst: number
}

/** The shortest time from the first call to the last answer, in seconds, when nothing of the limit is wasted. */
export function idealSeconds(prompts: number, steps: readonly BucketStep[], latencyMs: number): number {
  let left = prompts
  for (const [index, { atMs, perSecond, burst }] of steps.entries()) {
    const lengthMs = (steps[index + 1]?.atMs ?? Number.POSITIVE_INFINITY) - atMs
    left = Math.max(0, left - burst)
    const neededMs = (left / perSecond) * 1000
    if (neededMs <= lengthMs) return (atMs + neededMs + latencyMs) / 1000
    left -= (perSecond * lengthMs) / 1000
  }
  return Number.POSITIVE_INFINITY
}
