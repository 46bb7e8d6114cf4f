import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { type Seen, seenAtHold } from './topped-up.js'

const claimScript = loadScript(new URL('./claim-look.lua', import.meta.url))
const endScript = loadScript(new URL('./end-look.lua', import.meta.url))

/** A look's worst case: the balance and the ledger together. Whoever dies over it keeps the turn for so long. */
export const LONGEST_LOOK_MS = 12_000

const seenSchema = z.object({
  since: z.number(),
  lowestCents: z.number().nullable(),
  ledgerSeen: z.boolean(),
  newestMs: z.number().nullable(),
  known: z.array(z.string()),
})

/** Who looks, and how. */
export interface Looker {
  /** Nobody else's: it tells this look from all others. */
  readonly token: string
  readonly pollMs: number
  /** Lifts the hold by itself: who does not has no need to look while there is one. */
  readonly autoResume: boolean
  /** Fingerprint of the key that is used. */
  readonly key: string
}

/** The turn to look at the account. `seen` is null while nothing holds the queue. */
export interface Look {
  readonly seen: Seen | null
}

/** What came of a look. `told`: the account answered; null: it was not asked. */
export interface LookEnd {
  readonly seen: Seen | null
  readonly told: boolean | null
}

/** Takes the turn of the fleet to look at the account; null when it is not due, or another looks just now. */
export async function claimLook(redis: Redis, keys: QueueKeys, looker: Looker): Promise<Look | null> {
  const args = [looker.token, looker.pollMs, LONGEST_LOOK_MS, looker.autoResume ? '1' : '0', looker.key]
  const reply = await runScript(redis, claimScript, [keys.gate, keys.creditsLook], args)
  if (reply === null) return null
  const [since, seen] = reply as [string, string]
  if (since === '') return { seen: null }
  return { seen: seenAtHold(Number(since), seen === '' ? null : seenSchema.parse(JSON.parse(seen))) }
}

/** Ends the turn. @returns whether the account has begun, or ceased, to tell */
export async function endLook(
  redis: Redis,
  keys: QueueKeys,
  { token, key }: Looker,
  { seen, told }: LookEnd,
): Promise<boolean> {
  const answered = told === null ? '' : told ? '1' : '0'
  const args = [token, key, seen === null ? '' : JSON.stringify(seen), answered]
  return (await runScript(redis, endScript, [keys.creditsLook], args)) === 1
}

/** Whether the account did not answer when it was last asked. */
export async function accountIsSilent(redis: Redis, keys: QueueKeys): Promise<boolean> {
  return (await redis.hget(keys.creditsLook, 'failed')) === '1'
}
