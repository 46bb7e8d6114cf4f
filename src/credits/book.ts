import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import type { Book } from './looks.js'

/** What `keys.credits` holds of the looks at the account. */
export interface StoredBook {
  /** Null before the first look. */
  readonly book: Book | null
  /** As note-balance.lua compares it. */
  readonly version: string
  /** People were told that the balance will not last, and it has not been enough since. */
  readonly low: boolean
}

export async function readBook(redis: Redis, keys: QueueKeys): Promise<StoredBook> {
  const [book, version, low] = await redis.hmget(keys.credits, 'book', 'version', 'low')
  return {
    book: book == null ? null : (JSON.parse(book) as Book),
    version: version ?? '0',
    low: low != null,
  }
}
