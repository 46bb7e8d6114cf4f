import type { Gauges } from '../admission/gauges.js'
import type { Hold, Incident } from '../admission/hold.js'
import type { PaceFigures } from '../admission/read-pace.js'
import type { Brake } from '../completions/brake.js'
import type { Forecast } from '../credits/forecast.js'
import type { OverBudget } from './budget/over-budget.js'
import type { BatchState } from './states.js'

export type { BatchState } from './states.js'

/** Tokens that Conduit reported, summed over the answers of a batch. */
export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
}

/** Where a batch stands, read from Redis in one go. Times are Unix milliseconds. */
export interface BatchSnapshot {
  readonly batch: string
  readonly queue: string
  readonly state: BatchState
  /** Why it stopped, in a sentence; null while it runs or when it ended well. */
  readonly reason: string | null
  readonly total: number
  /** Requests handed to BullMQ so far. */
  readonly fed: number
  /** Requests with an answer. */
  readonly completed: number
  /** Requests that became dead letters or could never be sent. */
  readonly failed: number
  /** Of those, requests that had no end of their own when the batch was cancelled or expired. */
  readonly unfinished: number
  readonly failedByCode: Readonly<Record<string, number>>
  readonly retries: number
  readonly throttled: number
  /** Calls that went out and whose answer got lost: Conduit may have billed them (it has no idempotency key). */
  readonly maybeBilled: number
  readonly pauses: number
  readonly usage: Usage
  readonly createdAt: number
  readonly finishedAt: number | null
  /** When its completion window is over, by Redis's clock; null when it has none. */
  readonly expiresAt: number | null
  /** What made the brake stop it; null when that did not. */
  readonly brake: Brake | null
  /** The budget that it has used up, so that it stopped; null when that is not why. */
  readonly overBudget: OverBudget | null
  /** How many of its requests may be called; null: all. */
  readonly maxRequests: number | null
  /** What it may cost, in cents; null: whatever it does. */
  readonly maxCostCents: number | null
  /** What its answers cost so far, by the prices that its command knew; null when these don't tell. */
  readonly costCents: number | null
  readonly input: string
  readonly output: string
  /** The errors file; it exists only when there are failures. */
  readonly errors: string
}

/** How fast a queue goes, and what its workers are at: the sums over those whose heartbeat is fresh. */
export interface QueuePace extends PaceFigures, Gauges {}

/** A hold, and what becomes of it when its cause has gone. */
export interface HoldNow extends Hold {
  /** It ends then without a person: live workers see to it. */
  readonly byItself: boolean
}

/** Where a queue stands, read from Redis in one go. */
export interface QueueSnapshot {
  readonly queue: string
  /** Empty when the gate is open. */
  readonly holds: readonly HoldNow[]
  /** After an opening, until one call succeeds, calls go out one at a time. */
  readonly probing: boolean
  readonly incident: Incident | null
  readonly pace: QueuePace
  /** Requests that are ready for a worker. */
  readonly waiting: number
  /** Requests that workers have, those included that wait for a permit. */
  readonly active: number
  /** Requests that wait for another try. */
  readonly delayed: number
  /** Processes whose heartbeat is fresh. */
  readonly workers: number
  /** How far the account's credits go for what is queued; null while balances tell too little. */
  readonly forecast: Forecast | null
}
