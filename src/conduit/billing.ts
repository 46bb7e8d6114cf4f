import { z } from 'zod'
import type { Call } from './client.js'
import { createEndpoint } from './endpoint.js'
import { failureOfFree } from './failure.js'
import type { Failure } from './outcome.js'
import type { Reply } from './reply.js'
import { parseJson } from './text.js'

const CONNECTIONS = 2
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024
/** Conduit: Usage, "limit: 1 to 100". */
export const MAX_LEDGER_LIMIT = 100

const balanceSchema = z.looseObject({ balanceInCents: z.number() })
const ledgerSchema = z.looseObject({ entries: z.array(z.unknown()) })
const entrySchema = z
  .looseObject({
    id: z.string(),
    type: z.string(),
    amountInCents: z.number(),
    balanceAfterInCents: z.number().nullish(),
    createdAt: z.string().refine((text) => !Number.isNaN(Date.parse(text))),
  })
  .transform((entry) => ({
    id: entry.id,
    type: entry.type,
    amountInCents: entry.amountInCents,
    balanceAfterInCents: entry.balanceAfterInCents ?? null,
    createdAtMs: Date.parse(entry.createdAt),
  }))

/** One line of the ledger; `type` is `USAGE_DEBIT`, `CREDIT_PURCHASE` or one Conduit adds. Times are Unix milliseconds. */
export interface LedgerEntry {
  readonly id: string
  readonly type: string
  readonly amountInCents: number
  readonly balanceAfterInCents: number | null
  readonly createdAtMs: number
}

export type BalanceResult =
  | { readonly kind: 'balance'; readonly balanceInCents: number }
  | { readonly kind: 'unavailable'; readonly failure: Failure }

export type LedgerResult =
  | { readonly kind: 'ledger'; readonly entries: readonly LedgerEntry[] }
  | { readonly kind: 'unavailable'; readonly failure: Failure }

export interface BillingCall extends Call {
  readonly signal?: AbortSignal
}

/**
 * The billing API: on another host than the chat API, with the same key; asking costs nothing. Throws nothing but
 * `CallAborted`, when `signal` (not the deadline) ended a call.
 */
export interface BillingClient {
  balance(call: BillingCall): Promise<BalanceResult>
  /** `limit` is brought into Conduit's 1 to 100. An entry that cannot be read is left out. */
  ledger(call: BillingCall & { readonly limit: number; readonly offset: number }): Promise<LedgerResult>
  close(): Promise<void>
}

/**
 * A client for the billing API at `billingUrl` (`https://conduit.im/api/billing`).
 *
 * @throws InvalidBaseUrl
 */
export function createBillingClient(options: { readonly billingUrl: string }): BillingClient {
  const endpoint = createEndpoint(options.billingUrl, CONNECTIONS)
  const get = (path: string, { apiKey, timeoutMs, signal }: BillingCall) => {
    const limits = { apiKey, timeoutMs, maxResponseBytes: MAX_RESPONSE_BYTES }
    return endpoint.send({ method: 'GET', path }, signal === undefined ? limits : { ...limits, signal })
  }
  return {
    async balance(call) {
      const reply = await get('/balance', call)
      const read = balanceSchema.safeParse(okJson(reply))
      if (!read.success) return { kind: 'unavailable', failure: failureOfFree(reply) }
      return { kind: 'balance', balanceInCents: read.data.balanceInCents }
    },
    async ledger(call) {
      const limit = Math.min(Math.max(1, Math.trunc(call.limit)), MAX_LEDGER_LIMIT)
      const offset = Math.max(0, Math.trunc(call.offset))
      const reply = await get(`/ledger?limit=${limit}&offset=${offset}`, call)
      const read = ledgerSchema.safeParse(okJson(reply))
      if (!read.success) return { kind: 'unavailable', failure: failureOfFree(reply) }
      return { kind: 'ledger', entries: read.data.entries.flatMap(readEntry) }
    },
    close: () => endpoint.close(),
  }
}

function okJson(reply: Reply): unknown {
  return reply.kind === 'answer' && reply.status === 200 ? parseJson(reply.text) : undefined
}

function readEntry(entry: unknown): LedgerEntry[] {
  const read = entrySchema.safeParse(entry)
  return read.success ? [read.data] : []
}
