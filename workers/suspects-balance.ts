import type { KeyHolder } from '../src/completions/key-holder.js'
import { type BalanceLook, createBalanceLook, NO_BALANCE } from '../src/completions/suspects/balance.js'
import { createBillingClient } from '../src/conduit/billing.js'

/** Calls wait for this answer. */
const TIMEOUT_MS = 2000

/**
 * The balance, for a 402 that may concern one request only; apart from the watch, which asks for the fleet and may take
 * its time.
 * @param billingUrl null: the account is not asked
 * @throws InvalidBaseUrl
 */
export function createSuspectsBalance(
  billingUrl: string | null,
  keyHolder: KeyHolder,
): { readonly look: BalanceLook; close(): Promise<void> } {
  if (billingUrl === null) return { look: NO_BALANCE, close: async () => undefined }
  const billing = createBillingClient({ billingUrl })
  const look = createBalanceLook(async () => {
    const result = await billing.balance({ apiKey: keyHolder.current().secret, timeoutMs: TIMEOUT_MS })
    return result.kind === 'balance' ? result.balanceInCents : null
  })
  return { look, close: () => billing.close() }
}
