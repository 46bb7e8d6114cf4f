import { createHash } from 'node:crypto'

/** A Conduit API key and the name it goes by wherever the key itself may not stand. */
export interface ApiKey {
  readonly secret: string
  /** `fingerprint(secret)` */
  readonly fingerprint: string
}

/** Shorter "keys" are words that an error may hold by chance (and none of Conduit's is that short). */
const MIN_REDACTED_LENGTH = 8

/** 12 hex digits that tell keys apart and lead back to none: safe to store and to print. */
export function fingerprint(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex').slice(0, 12)
}

/** Whether the key can stand in an `Authorization` header: visible ASCII, at least one character. */
export function isSendable(apiKey: string): boolean {
  return /^[\x21-\x7e]+$/.test(apiKey)
}

/** `text` without the key. */
export function redact(text: string, apiKey: string): string {
  return apiKey.length < MIN_REDACTED_LENGTH ? text : text.replaceAll(apiKey, '[API key]')
}
