import type { Redis } from 'ioredis'
import { INBOX_BATCH } from '../../completions/request.js'
import type { QueueKeys } from '../../redis/keys.js'

/** What Redis knows of a request of the inbox. `expired`: it was there, and its answer was kept long enough. */
export type StoredRequest =
  | { readonly kind: 'open'; readonly customId: string }
  | { readonly kind: 'ended'; readonly customId: string; readonly completed: boolean; readonly line: string }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unknown' }

/** Looks up requests of the inbox, in one trip. */
export async function readStoredRequests(
  redis: Redis,
  keys: QueueKeys,
  indexes: readonly number[],
): Promise<StoredRequest[]> {
  const looks = redis.pipeline().hget(keys.batch(INBOX_BATCH), 'total')
  for (const index of indexes) looks.hmget(keys.inbox.request(index), 'customId', 'kind', 'line')
  const replies = (await looks.exec()) ?? []
  for (const [error] of replies) if (error !== null) throw error
  const [total, ...fields] = replies.map(([, reply]) => reply)
  return indexes.map((index, i) => toStored(fields[i] as Fields, index < Number(total ?? 0)))
}

type Fields = readonly [customId: string | null, kind: string | null, line: string | null]

function toStored([customId, kind, line]: Fields, wasThere: boolean): StoredRequest {
  if (customId === null) return { kind: wasThere ? 'expired' : 'unknown' }
  if (kind === null || line === null) return { kind: 'open', customId }
  return { kind: 'ended', customId, completed: kind === 'completed', line }
}
