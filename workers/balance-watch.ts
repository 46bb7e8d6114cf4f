import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Session } from '../src/batches/session.js'
import type { KeyHolder } from '../src/completions/key-holder.js'
import { type BillingClient, createBillingClient } from '../src/conduit/billing.js'
import { CallAborted } from '../src/conduit/client.js'
import { type AccountAnswer, askAccount } from '../src/credits/ask-account.js'
import { claimLook, endLook, type Look, type LookEnd } from '../src/credits/looks.js'
import { topUpOf } from '../src/credits/topped-up.js'

export interface BalanceWatchOptions {
  readonly session: Session
  readonly keyHolder: KeyHolder
  readonly billingUrl: string
  readonly pollMs: number
  /** False: it tells the balance, and lifts nothing. */
  readonly autoResume: boolean
  /** Told of each balance, in cents. */
  readonly onBalance: (balanceCents: number) => Promise<void>
  /** BullMQ's pause follows the gate at once. */
  readonly mirrorGate: () => Promise<void>
  readonly log: Logger
  /** Told of trouble in a sentence. */
  readonly onTrouble: (text: string) => void
}

/** Asks Conduit for the balance, which is free, and lifts the hold for credits when somebody has topped up. */
export interface BalanceWatch {
  /** For housekeeping: looks when it is due, and no other process of the fleet does just now. */
  look(): Promise<void>
  /** For the start: whoever begins to work after topping up need not wait for the next look at a hold for credits. */
  lookAtHold(): Promise<void>
  /** Gives up what is under way, and does nothing any more. */
  close(): Promise<void>
}

const TIMEOUT_MS = 10_000

/** @throws InvalidBaseUrl */
export function createBalanceWatch(options: BalanceWatchOptions): BalanceWatch {
  const { session, keyHolder, pollMs, autoResume, log } = options
  const { redis, keys } = session
  const billing = createBillingClient(options)
  const closed = new AbortController()

  async function look(everyMs: number): Promise<void> {
    if (closed.signal.aborted) return
    const key = keyHolder.current().fingerprint
    const looker = { token: randomUUID(), pollMs: everyMs, autoResume, key }
    const claimed = await claimLook(redis, keys, looker)
    if (claimed === null) return
    let end: LookEnd = { seen: null, told: null }
    let answer: AccountAnswer | null = null
    try {
      answer = await ask(options, billing, claimed, closed.signal)
      if (answer !== null) end = await judge(options, claimed, answer)
    } finally {
      const changed = await endLook(redis, keys, looker, end)
      if (changed && answer !== null) tell(options, answer, log)
    }
  }

  return {
    look: () => look(pollMs),
    async lookAtHold() {
      const { holds } = await session.gate.read()
      if (holds.some(({ reason }) => reason === 'credits')) await look(0)
    },
    async close() {
      closed.abort()
      await billing.close()
    },
  }
}

/** Null when nothing is to be called, or nobody waits for the answer any more. */
async function ask(
  { session, keyHolder }: BalanceWatchOptions,
  billing: BillingClient,
  { seen }: Look,
  signal: AbortSignal,
): Promise<AccountAnswer | null> {
  if (seen === null && (await session.store.waiting()) === 0) return null
  const call = { apiKey: keyHolder.current().secret, timeoutMs: TIMEOUT_MS, signal }
  try {
    return await askAccount(billing, seen, call)
  } catch (error) {
    if (error instanceof CallAborted) return null
    throw error
  }
}

/** Lifts before it is noted what lifted: a crash in between costs one more call that is tried, and no top-up. */
async function judge(
  { session: { gate }, onBalance, mirrorGate, log }: BalanceWatchOptions,
  look: Look,
  answer: AccountAnswer,
): Promise<LookEnd> {
  const told = answer.failure === null
  if (answer.balanceCents !== null) await onBalance(answer.balanceCents)
  if (look.seen === null) return { seen: null, told }
  const { toppedUp, seen } = topUpOf(look.seen, answer)
  if (toppedUp && (await gate.creditsSeen(seen.since)).lifted > 0) {
    log.info({ balanceCents: answer.balanceCents }, 'gate.credits_seen')
    await mirrorGate()
  }
  return { seen, told }
}

/** Once when the account ceases to answer, and once when it does again. */
function tell({ onTrouble }: BalanceWatchOptions, { failure }: AccountAnswer, log: Logger): void {
  if (failure === null) {
    log.info('balance.available')
    return
  }
  const { code, message, status, requestId } = failure
  log.warn({ code, status, requestId, err: message }, 'balance.unavailable')
  onTrouble(
    `The balance of the Conduit account can't be read (${message}): nothing else changes, but a top-up is not noticed by itself.`,
  )
}
