/** A Retry-After beyond this is not believed: one header must not put a batch off by a month. */
const LONGEST_RETRY_AFTER_MS = 3600_000

/**
 * How long a request waits before its next try: base × 2^(tries − 1), with a jitter of 0.5 to 1.5, capped; or
 * what Retry-After asks for (at most an hour), when that is longer. (Conduit, Rate Limiting: 1 s, 2 s, 4 s with jitter.)
 *
 * @param tries how many tries there were, 1 or more
 * @param random a number in [0, 1)
 */
export function backoffMs(
  tries: number,
  retryAfterMs: number | null,
  options: { readonly backoffBaseMs: number; readonly backoffCapMs: number },
  random: number,
): number {
  const doubled = options.backoffBaseMs * 2 ** Math.min(30, Math.max(0, tries - 1))
  const own = Math.min(options.backoffCapMs, doubled * (0.5 + random))
  return Math.round(Math.max(own, Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs ?? 0)))
}
