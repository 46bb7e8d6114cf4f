import { checkKey } from './keys.js'
import type { RateState } from './limiter.js'
import type { RateLimitHeaderStyle } from './options.js'
import { limiterOf, type World } from './world.js'

type Header = readonly [name: string, value: string]

/** The `x-ratelimit-*` headers of a key in the style of the options; none without a limit or for a wrong key. */
export function rateLimitHeaders(world: World, authorization: string | undefined): readonly Header[] {
  const { rateLimitHeaders: style } = world.settings
  if (style === 'none') return []
  const check = checkKey(world.settings, authorization)
  const limiter = check.kind === 'valid' ? limiterOf(world, check.key) : null
  return limiter === null ? [] : headersOf(style, limiter.state(world.now()))
}

/** The headers that tell a state, in the style of OpenAI or with plain numbers. */
export function headersOf(
  style: Exclude<RateLimitHeaderStyle, 'none'>,
  { limit, remaining, resetMs }: RateState,
): readonly Header[] {
  switch (style) {
    case 'openai':
      return [
        ['x-ratelimit-limit-requests', String(limit)],
        ['x-ratelimit-remaining-requests', String(remaining)],
        ['x-ratelimit-reset-requests', goDuration(resetMs)],
      ]
    case 'plain':
      return [
        ['x-ratelimit-limit', String(limit)],
        ['x-ratelimit-remaining', String(remaining)],
        ['x-ratelimit-reset', String(Math.ceil(resetMs / 1000))],
      ]
  }
}

/** A duration as Go, and so OpenAI, writes it, to the millisecond: `20ms`, `1s`, `1.5s`, `6m0s`, `1h0m0s`. */
function goDuration(ms: number): string {
  const whole = Math.ceil(ms)
  if (whole > 0 && whole < 1000) return `${whole}ms`
  const minutes = Math.floor(whole / 60_000)
  const seconds = `${(whole % 60_000) / 1000}s`
  if (minutes === 0) return seconds
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`
}
