import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import type { Book } from './sightings.js'

/** What `keys.credits` holds of the looks at the account. */
export interface StoredBook {
  /** Null before the first look. */
  readonly book: Book | null
  /** As note-balance.lua compares it. */
  readonly version: string
  /** The batches for which people were told that the credits will not last; empty: they were not, or it was enough since. */
  readonly toldLowFor: readonly string[]
}

export async function readBook(redis: Redis, keys: QueueKeys): Promise<StoredBook> {
  const [book, version, low] = await redis.hmget(keys.credits, 'book', 'version', 'low')
  return {
    book: book == null ? null : (JSON.parse(book) as Book),
    version: version ?? '0',
    toldLowFor: low == null ? [] : (JSON.parse(low) as string[]),
  }
}
