import { customIdKey } from '../../completions/custom-id-key.js'
import { type BatchOptions, INBOX_BATCH } from '../../completions/request.js'
import { TURN_FUNCTIONS, type TurnsDeps, turnKeys } from '../../completions/turns/turns.js'
import { loadScript, runScript } from '../../redis/scripts.js'

const reserveScript = loadScript(new URL('./reserve.lua', import.meta.url), TURN_FUNCTIONS)

/** What the workers do for a single request that does not say otherwise: the defaults of `run`. */
const INBOX_OPTIONS: BatchOptions = {
  concurrency: 1000,
  maxAttempts: 8,
  timeoutMs: 300_000,
  backoffBaseMs: 1000,
  backoffCapMs: 60_000,
  priority: 'normal',
}

/** A Redis string has 2^32 bits, and each request costs one in the bitmap of what is done. */
const MOST_REQUESTS = 2 ** 32

/** Requests without an answer: each costs memory, and an inbox that nobody works on must not fill Redis. */
export const MOST_OPEN_REQUESTS = 1_000_000

/** What a place in the inbox is asked for. */
export interface Reservation {
  readonly customId: string
  /** Tells this request from every other with the same custom id. */
  readonly digest: string
  /** How long its answer is kept. */
  readonly keepSeconds: number
}

/**
 * `new`: the place is the caller's to fill. `open`: it was reserved before, and whoever did may have died before the
 * job was added. `known`: nothing is left to do. `taken`: another request has this custom id. `full`: the queue has
 * had as many requests as it can count. `crowded`: too many have no answer yet.
 */
export interface Reserved {
  readonly kind: 'new' | 'open' | 'known' | 'taken' | 'full' | 'crowded'
  readonly index: number
  /** The priority of its job, for `new` and `open`. */
  readonly turn: number
}

/** Reserves a place in the inbox: the same custom id gets the same place for as long as its answer is kept. */
export async function reserve(
  deps: TurnsDeps,
  { customId, digest, keepSeconds }: Reservation,
): Promise<Reserved> {
  const { redis, keys } = deps
  const own = [keys.batch(INBOX_BATCH), customIdKey(keys, customId)]
  const names = [...own, keys.done(INBOX_BATCH), keys.generations(INBOX_BATCH), ...turnKeys(deps)]
  const options = JSON.stringify(INBOX_OPTIONS)
  const bounds = [MOST_REQUESTS, MOST_OPEN_REQUESTS]
  const args = [keys.inbox.request(''), customId, digest, keepSeconds, options, ...bounds, INBOX_BATCH]
  const reply = await runScript(redis, reserveScript, names, args)
  const [kind, index, turn] = reply as [Reserved['kind'], number, number]
  return { kind, index, turn }
}
