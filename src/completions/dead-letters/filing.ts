import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../../redis/keys.js'
import type { RequestPlace } from '../request.js'

/** What the work on the dead letters of one queue needs. */
export interface DeadLetterDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  /** BullMQ's queue of dead letters, on the same Redis. */
  readonly queue: Queue
}

/** Letters that one script takes: few enough that Redis is not kept busy for long. */
export const PORTION = 200

/** The keys that the scripts on the indexes take first, in their order. */
export function indexNames({ deadLetters: dead }: QueueKeys): string[] {
  const sets = [dead.byBatch(''), dead.byCode(''), dead.byModel('')]
  return [dead.all, dead.groups, dead.groupSizes, dead.groupOf, dead.leaving, ...sets]
}

const MOST_OF_A_NAME = 200

/** Under which name a model is filed: the body may hold anything. */
export function modelName(model: string | null): string {
  return (model ?? '').slice(0, MOST_OF_A_NAME).toWellFormed()
}

const ID = /^(b[0-9a-f]{12})-(\d{1,15})-(\d{1,9})$/

/** Which request a dead letter's id names; null when it is none. */
export function placeOfId(id: string): RequestPlace | null {
  const match = ID.exec(id)
  if (match === null) return null
  return { batch: match[1] as string, index: Number(match[2]), generation: Number(match[3]) }
}

/** Cuts a list into portions, the last one shorter. */
export function* portionsOf<T>(items: readonly T[], size = PORTION): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}
