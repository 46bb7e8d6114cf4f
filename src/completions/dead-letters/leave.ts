import { loadScript, runScript } from '../../redis/scripts.js'
import { INBOX_BATCH } from '../request.js'
import { type DeadLetterDeps, indexNames, PORTION, portionsOf } from './filing.js'

const part = new URL('./take-out.lua', import.meta.url)
const leaveScript = loadScript(new URL('./leave.lua', import.meta.url), part)
const sweptScript = loadScript(new URL('./swept.lua', import.meta.url), part)

const LAST_OF_A_PORTION = String(PORTION - 1)

/** Takes letters out of the indexes; gives how many were there. Their BullMQ jobs go with the next sweep. */
export async function leave(ids: readonly string[], { redis, keys }: DeadLetterDeps): Promise<number> {
  const names = [...indexNames(keys), keys.edits(INBOX_BATCH), keys.history(INBOX_BATCH)]
  let left = 0
  for (const portion of portionsOf(ids)) {
    left += (await runScript(redis, leaveScript, names, [INBOX_BATCH, ...portion])) as number
  }
  return left
}

/** Removes the BullMQ jobs of letters that left; gives how many. After a crash in the middle the next one goes on. */
export async function sweep({ redis, keys, queue }: DeadLetterDeps): Promise<number> {
  const names = [...indexNames(keys), queue.toKey('')]
  for (let swept = 0; ; ) {
    const ids = await redis.zrange(keys.deadLetters.leaving, '0', LAST_OF_A_PORTION)
    if (ids.length === 0) return swept
    await Promise.all(ids.map((id) => queue.remove(id, { removeChildren: false })))
    swept += (await runScript(redis, sweptScript, names, ids)) as number
  }
}

/** Takes out every letter of a batch. */
export async function leaveBatch(batch: string, deps: DeadLetterDeps): Promise<number> {
  const set = deps.keys.deadLetters.byBatch(batch)
  for (let left = 0; ; ) {
    const ids = await deps.redis.zrange(set, '0', LAST_OF_A_PORTION)
    if (ids.length === 0) return left
    left += await leave(ids, deps)
  }
}

/** How many dead letters a queue keeps, and how long. */
export interface DeadLetterBounds {
  /** Those that died before this (Unix ms) go. */
  readonly olderThanMs: number
  /** The oldest beyond this many go. */
  readonly most: number
}

/** Takes out the oldest, until both bounds are kept. */
export async function leaveBeyond(bounds: DeadLetterBounds, deps: DeadLetterDeps): Promise<number> {
  const { all } = deps.keys.deadLetters
  for (let left = 0; ; ) {
    const [tooMany, tooOld] = await Promise.all([
      deps.redis.zcard(all).then((size) => size - bounds.most),
      deps.redis.zcount(all, '-inf', `(${bounds.olderThanMs}`),
    ])
    const beyond = Math.min(Math.max(tooMany, tooOld), PORTION)
    if (beyond <= 0) return left
    left += await leave(await deps.redis.zrange(all, '0', String(beyond - 1)), deps)
  }
}
