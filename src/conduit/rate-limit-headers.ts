import { resetInMs } from './reset-time.js'

/** What the headers of an answer say of the key's limit. */
export interface RateLimit {
  readonly requestsPerMinute: number
  /** Requests left before the reset; null when not told, or not believable. */
  readonly remaining: number | null
  /** Until the limit starts anew, counted from the arrival of the headers; null as above. */
  readonly resetInMs: number | null
}

/** Headers as undici hands them over: names in small letters; an array where a header came more than once. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

/** How many requests, and in how many seconds; null: the header names no window. */
interface Quota {
  readonly requests: number
  readonly windowS: number | null
}

/**
 * Where a limit may be told, the most telling first: OpenAI's headers, those of many gateways, and the two forms of
 * draft-ietf-httpapi-ratelimit-headers. Those of tokens (`x-ratelimit-limit-tokens`) are no limit of requests.
 */
const PLACES = [
  {
    limit: 'x-ratelimit-limit-requests',
    remaining: 'x-ratelimit-remaining-requests',
    reset: 'x-ratelimit-reset-requests',
  },
  { limit: 'x-ratelimit-limit', remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset' },
  { limit: 'ratelimit-limit', remaining: 'ratelimit-remaining', reset: 'ratelimit-reset' },
  { limit: 'ratelimit-policy', remaining: 'ratelimit-remaining', reset: 'ratelimit-reset' },
] as const

type Place = (typeof PLACES)[number]

const MOST_PER_MINUTE = 10_000_000
/** More than an hour is a quota to be spent as one likes, no rate. */
const LONGEST_WINDOW_S = 3600
/** Conduit, Rate Limiting: limits are requests per minute. */
const USUAL_WINDOW_S = 60
/** Clocks differ, and servers round up. */
const RESET_SLACK_MS = 5000
const LONGEST_HEADER = 200
const NUMBER = /^\d{1,15}(?:\.\d{1,9})?$/

/**
 * The limit that the headers of an answer tell, in requests per minute; null when they tell none, or none to be
 * believed: 0, more than 10 million a minute, a list, a window of more than an hour. Conduit documents no such headers,
 * so whatever a gateway may send is read, and what is doubtful is left alone. A limit that names no window is one per
 * minute, unless its reset is farther away than that.
 *
 * @param nowMs Unix ms, what dates are counted from
 */
export function parseRateLimit(headers: ResponseHeaders, nowMs: number): RateLimit | null {
  for (const place of PLACES) {
    // Nearly every answer has none of them, and this is asked of every answer.
    if (headers[place.limit] === undefined) continue
    const found = rateLimitAt(place, headers, nowMs)
    if (found !== null) return found
  }
  return null
}

function rateLimitAt(place: Place, headers: ResponseHeaders, nowMs: number): RateLimit | null {
  const quota = quotaOf(textOf(headers[place.limit]))
  if (quota === null) return null
  const { requests } = quota
  const windowS = quota.windowS ?? (place.limit === 'ratelimit-limit' ? policyWindow(headers) : null)
  const requestsPerMinute = (requests * 60) / (windowS ?? USUAL_WINDOW_S)
  if (!(requestsPerMinute > 0 && requestsPerMinute <= MOST_PER_MINUTE)) return null
  if (windowS !== null && windowS > LONGEST_WINDOW_S) return null

  const resetMs = resetInMs(textOf(headers[place.reset]), nowMs)
  const isTooFar = (resetMs ?? 0) > (windowS ?? USUAL_WINDOW_S) * 1000 + RESET_SLACK_MS
  // Its window is an hour or a day, or may be a second: nothing says that the figure is a minute's.
  const mayBeASecond = place.limit === 'x-ratelimit-limit' && resetMs !== null && resetMs <= 1000
  if (windowS === null && (isTooFar || mayBeASecond)) return null
  const remaining = numberOf(itemOf(textOf(headers[place.remaining])))
  return {
    requestsPerMinute,
    remaining: remaining !== null && remaining <= requests ? remaining : null,
    resetInMs: isTooFar ? null : resetMs,
  }
}

/** `100`, `100;w=60`, `100;window=60`, `"default";q=100;w=60`; null for anything else, lists too. */
function quotaOf(text: string): Quota | null {
  if (text.includes(',')) return null
  const parameters = parametersOf(text)
  // Of bytes or of concurrent requests, say.
  if (!['requests', undefined].includes(parameters.get('qu'))) return null
  const requests = numberOf(parameters.get('q') ?? itemOf(text))
  const window = parameters.get('w') ?? parameters.get('window')
  const windowS = window === undefined ? null : numberOf(window)
  if (requests === null || (window !== undefined && windowS === null)) return null
  return { requests, windowS }
}

function policyWindow(headers: ResponseHeaders): number | null {
  return quotaOf(textOf(headers['ratelimit-policy']))?.windowS ?? null
}

/** A header that came twice is a list. What is longer than any sane one is not looked at. */
function textOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && header.length <= LONGEST_HEADER ? header.trim() : ''
}

/** What stands before the first `;`. */
function itemOf(text: string): string {
  return text.split(';', 1)[0]?.trim() ?? ''
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(';').slice(1)
  return new Map(
    pairs.map((pair) => {
      const [name = '', value = ''] = pair.split('=', 2)
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')]
    }),
  )
}

function numberOf(text: string): number | null {
  return NUMBER.test(text) ? Number(text) : null
}
