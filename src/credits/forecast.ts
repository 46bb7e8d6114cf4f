import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { type Estimate, estimate } from './estimate.js'
import { isToldLow, queuedOf, readAhead } from './read-ahead.js'
import { readBook } from './read-book.js'
import { readUsage } from './read-usage.js'

/** How far the account's credits go. */
export interface Forecast extends Estimate {
  /** People were told that they will not last, and they have not been enough since. */
  readonly low: boolean
}

/**
 * How far the credits of a queue's account go; null while balances tell too little: nobody looks at them (`noteBalance`),
 * or too little was spent since somebody does.
 * @param waiting requests that are to be paid for; what is queued when not given
 */
export async function readForecast(
  redis: Redis,
  keys: QueueKeys,
  waiting?: number,
): Promise<Forecast | null> {
  const { book, toldLowFor } = await readBook(redis, keys)
  if (book === null) return null
  const [{ totals, inFlight }, ahead] = await Promise.all([readUsage(redis, keys), readAhead(redis, keys)])
  const requests = waiting ?? queuedOf(ahead, inFlight)
  const told = estimate(book, { ...ahead, requests }, totals)
  return told && { ...told, low: isToldLow(toldLowFor, ahead) }
}
