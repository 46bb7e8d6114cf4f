import { ApiKeyMissing, createKeyHolder } from '../../completions/key-holder.js'
import { createBillingClient } from '../../conduit/billing.js'
import type { Config } from '../../config.js'
import { readEarlier } from '../dry-run/earlier.js'

const TIMEOUT_MS = 10_000

/**
 * Whether the balance tells what calls cost, where prices don't: it has told before, or it can be asked for. Asking
 * costs nothing.
 */
export async function doesBalanceTell(config: Config, queue: string): Promise<boolean> {
  if ((await readEarlier(config, queue, null)).centsPerToken !== null) return true
  const own = config.queue(queue)
  if (own.billingUrl === null) return false
  const keyHolder = await createKeyHolder(own).catch((error: unknown) => {
    if (error instanceof ApiKeyMissing) return null
    throw error
  })
  if (keyHolder === null) return false
  const billing = createBillingClient({ billingUrl: own.billingUrl })
  try {
    const call = { apiKey: keyHolder.current().secret, timeoutMs: TIMEOUT_MS }
    return (await billing.balance(call)).kind === 'balance'
  } finally {
    await billing.close()
  }
}
