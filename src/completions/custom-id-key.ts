import { createHash } from 'node:crypto'
import type { QueueKeys } from '../redis/keys.js'

/** The key that says which request has this custom id. Hashed, since a custom id may be long and hold anything. */
export function customIdKey(keys: QueueKeys, customId: string): string {
  return keys.inbox.customId(createHash('sha256').update(customId).digest('hex'))
}
