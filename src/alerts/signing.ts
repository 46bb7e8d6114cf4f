import { createHmac } from 'node:crypto'

/** As Standard Webhooks has them: 24 to 64 bytes in base64 behind this. */
const PREFIX = 'whsec_'
const SHORTEST_BYTES = 24
const LONGEST_BYTES = 64

const RULE =
  `must be ${PREFIX} and ${SHORTEST_BYTES} to ${LONGEST_BYTES} random bytes in base64; ` +
  `make one with: echo ${PREFIX}$(openssl rand -base64 32)`

/** Why nothing can be signed with it, or null. The secret is not quoted. */
export function signingSecretProblem(secret: string): string | null {
  const bytes = secretBytes(secret)
  if (bytes === null || bytes.length < SHORTEST_BYTES || bytes.length > LONGEST_BYTES) return RULE
  return null
}

/**
 * The `webhook-signature` of a body, as Standard Webhooks have it (https://www.standardwebhooks.com).
 * @param timestamp Unix seconds, as in the header
 */
export function sign(secret: string, id: string, timestamp: string, body: string): string {
  const key = secretBytes(secret) ?? Buffer.alloc(0)
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

/** The bytes that sign; null when the secret is not written as one. */
function secretBytes(secret: string): Buffer | null {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
  return base64 === undefined ? null : Buffer.from(base64, 'base64')
}
