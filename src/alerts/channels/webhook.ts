import { createHmac } from 'node:crypto'
import type { Alert } from '../alert.js'
import { secretBytes } from '../signing-secret.js'
import type { Post } from './post.js'

/**
 * The alert as JSON, signed as Standard Webhooks say (https://www.standardwebhooks.com) where there is a secret. The id
 * is the alert's, so a receiver knows one that a crash has repeated.
 *
 * @param nowMs Unix ms; a receiver refuses what was signed long ago, so each attempt has its own
 */
export function webhookPost(
  alert: Alert,
  { url, secret }: { readonly url: string; readonly secret: string | null },
  nowMs: number,
): Post {
  const body = JSON.stringify(alert)
  const timestamp = String(Math.floor(nowMs / 1000))
  const headers = { 'webhook-id': alert.id, 'webhook-timestamp': timestamp }
  if (secret === null) return { url, headers, body }
  return {
    url,
    headers: { ...headers, 'webhook-signature': signature(secret, alert.id, timestamp, body) },
    body,
  }
}

function signature(secret: string, id: string, timestamp: string, body: string): string {
  const key = secretBytes(secret) ?? Buffer.alloc(0)
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}
