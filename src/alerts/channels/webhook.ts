import type { Alert } from '../alert.js'
import { sign } from '../signing.js'
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
    headers: { ...headers, 'webhook-signature': sign(secret, alert.id, timestamp, body) },
    body,
  }
}
