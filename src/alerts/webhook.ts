import { request } from 'undici'
import type { Alert } from './alert.js'

/** The webhook did not take the alert; BullMQ tries again. The URL may hold a secret, so it is not named. */
export class WebhookRefused extends Error {
  readonly code = 'webhook_refused'
}

const TIMEOUT_MS = 10_000

/**
 * Posts an alert as JSON. Any 2xx is delivered.
 * @throws WebhookRefused
 */
export async function postAlert(url: string, alert: Alert): Promise<void> {
  let status: number
  try {
    const response = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'conduit-batch' },
      body: JSON.stringify(alert),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body.dump()
    status = response.statusCode
  } catch (error) {
    throw new WebhookRefused(
      `the alert webhook can't be reached (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
    )
  }
  if (status < 200 || status > 299) throw new WebhookRefused(`the alert webhook answered ${status}`)
}
