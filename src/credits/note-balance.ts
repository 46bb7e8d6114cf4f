import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { type Estimate, estimate } from './estimate.js'
import { isToldLow, queuedOf, readAhead } from './read-ahead.js'
import { readBook } from './read-book.js'
import { readUsage } from './read-usage.js'
import { addSighting } from './sightings.js'

const noteScript = loadScript(new URL('./note-balance.lua', import.meta.url))

/** `as_before`: people were told that it is low, and it still is. */
type Verdict = 'low' | 'enough' | 'as_before'

/** What was low is enough again only with so much to spare: near the line it would be told again and again. */
const TO_SPARE = 1.05

/**
 * Notes that the account holds so much now: forecasts are told from that. When it shows that the credits will not last
 * for what is queued, the alert `balance.low` goes into the outbox in the same step, once until they were enough again.
 * @returns the forecast for what is queued; null while balances tell too little
 */
export async function noteBalance(
  redis: Redis,
  keys: QueueKeys,
  balanceCents: number,
): Promise<Estimate | null> {
  const [{ book: before, version, toldLowFor }, usage, ahead] = await Promise.all([
    readBook(redis, keys),
    readUsage(redis, keys),
    readAhead(redis, keys),
  ])
  const book = addSighting(before, { ...usage, balanceCents })
  const queued = queuedOf(ahead, usage.inFlight)
  const told = estimate(book, { ...ahead, requests: queued })
  const isTold = isToldLow(toldLowFor, ahead)
  const entry = told === null ? '' : JSON.stringify(entryOf(told, queued, queueOf(keys)))
  const args = [version, JSON.stringify(book), verdict(told, isTold), `low-${randomUUID()}`, entry]
  await runScript(
    redis,
    noteScript,
    [keys.credits, keys.gate, keys.outbox],
    [...args, JSON.stringify(ahead.batches)],
  )
  return told
}

/** @param isTold people know that it is low */
function verdict(told: Estimate | null, isTold: boolean): Verdict {
  if (told === null) return isTold ? 'as_before' : 'enough'
  if (told.shortByCents > 0) return isTold ? 'as_before' : 'low'
  return isTold && told.balanceCents < told.costToFinishCents * TO_SPARE ? 'as_before' : 'enough'
}

/** As `src/alerts/entry.ts` reads it. */
function entryOf(told: Estimate, waiting: number, queue: string) {
  const { balanceCents, costToFinishCents, shortByCents, lastsMs, seenAt } = told
  const low = { queue, at: seenAt, balanceCents, costToFinishCents, shortByCents, lastsMs, waiting }
  return { type: 'balance.low', low }
}

/** The tag of a queue's keys is `{<prefix>:<queue>}`. */
function queueOf({ tag }: QueueKeys): string {
  return tag.slice(tag.indexOf(':') + 1, -1)
}
