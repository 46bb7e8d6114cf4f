import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { readBook } from './book.js'
import { type Estimate, estimate } from './estimate.js'
import { addLook } from './looks.js'
import { queuedOf, readAhead } from './read-ahead.js'
import { readUsage } from './read-usage.js'

const noteScript = loadScript(new URL('./note-balance.lua', import.meta.url))

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
  const [{ book: before, version }, usage, ahead] = await Promise.all([
    readBook(redis, keys),
    readUsage(redis, keys),
    readAhead(redis, keys),
  ])
  const book = addLook(before, { ...usage, balanceCents })
  const queued = queuedOf(ahead, usage.inFlight)
  const told = estimate(book, { ...ahead, requests: queued })
  const id = `low-${randomUUID()}`
  const entry = told === null ? '' : JSON.stringify(entryOf(told, queued, queueOf(keys)))
  const args = [version, JSON.stringify(book), verdict(told, queued), id, entry]
  await runScript(redis, noteScript, [keys.credits, keys.gate, keys.outbox], args)
  return told
}

function verdict(told: Estimate | null, queued: number): 'low' | 'enough' | 'unclear' {
  if (queued === 0) return 'enough'
  if (told === null) return 'unclear'
  if (told.shortByCents > 0) return 'low'
  return told.balanceCents >= told.costToFinishCents * TO_SPARE ? 'enough' : 'unclear'
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
