import type { Redis } from 'ioredis'
import { customIdKey } from '../../completions/custom-id-key.js'
import type { DeadLetter } from '../../completions/dead-letters/dead-letter.js'
import { customIdOfLine } from '../../completions/output-line.js'
import { INBOX_BATCH } from '../../completions/request.js'
import type { QueueKeys } from '../../redis/keys.js'
import { loadScript, runScript } from '../../redis/scripts.js'
import { type BatchStore, LeaseLost } from '../batch-store.js'
import { assertHeld, type Entry, readPortion } from '../portion.js'
import type { PortionLimits, PortionSize } from '../portion-size.js'

const keepScript = loadScript(new URL('./keep.lua', import.meta.url))

/** Names the lease on the inbox, as the id of a data directory names the lease on that. */
export const INBOX_LEASE = 'inbox'

/** Answers that are taken at once. */
export const INBOX_PORTIONS: PortionLimits = { first: 20, most: 200, goodBytes: 8 * 1024 * 1024 }

/** How long an answer is kept when the request does not say. */
export const KEEP_ANSWER_SECONDS = 7 * 24 * 3600

export interface InboxDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly store: BatchStore
  readonly leaseToken: () => string
  readonly portion: PortionSize
  /** Adds dead letters to their queue under ids of their own, so that adding twice adds once. */
  readonly bury: (letters: readonly DeadLetter[]) => Promise<void>
}

/**
 * Takes what came for the inbox out of its result stream: keeps each ending under its request, buries the dead, wakes
 * who waits, and only then lets the stream go. A crash in between does it again, which changes nothing.
 *
 * @returns how many endings were taken, at most one portion
 * @throws LeaseLost
 */
export async function collectInbox(deps: InboxDeps): Promise<number> {
  const { redis, keys, store } = deps
  const lease = deps.leaseToken()
  const entries = await readPortion(
    INBOX_BATCH,
    lease,
    { redis, keys, directoryId: INBOX_LEASE },
    deps.portion.take(),
  )
  const last = entries.at(-1)
  if (last === undefined) {
    deps.portion.taken(0)
    return 0
  }
  await keep(entries, lease, deps)
  await assertHeld(INBOX_BATCH, lease, { redis, keys, directoryId: INBOX_LEASE })
  await deps.bury(entries.flatMap(({ letter }) => (letter === null ? [] : [letter])))
  await redis.publish(keys.inbox.answered, entries.map(({ key }) => indexOf(key)).join(' '))
  const collected = ((await store.marks(INBOX_BATCH))?.collected ?? 0) + entries.length
  await store.advance(INBOX_BATCH, INBOX_LEASE, lease, { collected }, { id: last.id, bytes: 0 })
  deps.portion.taken(sizeOf(entries))
  return entries.length
}

async function keep(entries: readonly Entry[], lease: string, { redis, keys }: InboxDeps): Promise<void> {
  const names = [
    keys.lease(INBOX_LEASE),
    keys.generations(INBOX_BATCH),
    keys.edits(INBOX_BATCH),
    keys.history(INBOX_BATCH),
  ]
  const args: Array<string | number> = [lease, KEEP_ANSWER_SECONDS]
  for (const { key, kind, line: bytes } of entries) {
    const line = bytes.toString()
    const [index = '', generation = ''] = key.split('.')
    const customId = customIdOfLine(line) ?? ''
    names.push(keys.inbox.request(index), customIdKey(keys, customId))
    args.push(index, generation, kind, customId, line)
  }
  if ((await runScript(redis, keepScript, names, args)) !== 1) {
    throw new LeaseLost('another process has taken over the inbox')
  }
}

/** About: what a letter weighs beside its body does not matter here. */
function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { line, letter }) => {
    return sum + line.length + (letter?.body == null ? 0 : JSON.stringify(letter.body).length)
  }, 0)
}

function indexOf(key: string): string {
  return key.slice(0, key.indexOf('.'))
}
