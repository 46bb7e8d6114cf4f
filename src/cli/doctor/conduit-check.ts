import { createKeyHolder } from '../../completions/key-holder.js'
import type { ApiKey } from '../../conduit/api-key.js'
import { createBillingClient } from '../../conduit/billing.js'
import { createConduitClient } from '../../conduit/client.js'
import { failureOfFree } from '../../conduit/failure.js'
import type { Reply } from '../../conduit/reply.js'
import { type Config, InvalidConfig, type QueueConfig } from '../../config.js'
import type { Finding } from './finding.js'

const TIMEOUT_MS = 15_000

/** Is each queue's key valid, and is there money? Neither question costs anything. */
export async function checkQueues(config: Config): Promise<Finding[]> {
  const several = config.queues.length > 1
  const perQueue = config.queues.map(async (queue) => {
    const findings = await checkQueue(config, queue)
    return several ? findings.map((finding) => ({ ...finding, queue })) : findings
  })
  return (await Promise.all(perQueue)).flat()
}

async function checkQueue(config: Config, queue: string): Promise<Finding[]> {
  try {
    return await checkConduit(config.queue(queue))
  } catch (error) {
    if (error instanceof InvalidConfig) return [{ check: 'settings', level: 'bad', text: error.message }]
    throw error
  }
}

async function checkConduit(config: QueueConfig): Promise<Finding[]> {
  let key: ApiKey
  try {
    key = (await createKeyHolder(config)).current()
  } catch (error) {
    return [{ check: 'key', level: 'bad', text: (error as Error).message }]
  }
  return [await checkKey(config, key), await checkBalance(config, key)]
}

async function checkKey({ baseUrl }: QueueConfig, { secret, fingerprint }: ApiKey): Promise<Finding> {
  const conduit = createConduitClient({ baseUrl, connections: 1 })
  try {
    const reply = await conduit.models({ apiKey: secret, timeoutMs: TIMEOUT_MS })
    if (reply.kind === 'answer' && reply.status === 200) {
      return { check: 'key', level: 'ok', text: `valid at ${baseUrl} (fingerprint ${fingerprint})` }
    }
    return { check: 'key', level: 'bad', text: `${baseUrl} says: ${inWords(reply)}` }
  } finally {
    await conduit.close()
  }
}

function inWords(reply: Reply): string {
  const { message, code, requestId } = failureOfFree(reply)
  return `${message} (${code}${requestId === null ? '' : `, request ${requestId}`})`
}

async function checkBalance({ billingUrl }: QueueConfig, { secret }: ApiKey): Promise<Finding> {
  if (billingUrl === null) {
    const text = 'not asked for, since calls go elsewhere than to Conduit: set CONDUIT_BILLING_URL'
    return { check: 'balance', level: 'warn', text }
  }
  const billing = createBillingClient({ billingUrl })
  try {
    const result = await billing.balance({ apiKey: secret, timeoutMs: TIMEOUT_MS })
    if (result.kind === 'unavailable') {
      const text = `${billingUrl} does not tell: ${result.failure.message} (${result.failure.code})`
      return { check: 'balance', level: 'warn', text }
    }
    const text = `$${(result.balanceInCents / 100).toFixed(2)}`
    if (result.balanceInCents > 0) return { check: 'balance', level: 'ok', text }
    return {
      check: 'balance',
      level: 'warn',
      text: `${text}: top up at https://conduit.im, or calls will be refused`,
    }
  } finally {
    await billing.close()
  }
}
