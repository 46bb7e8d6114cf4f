import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { batchOptionsSchema } from '../../completions/request.js'
import { type CostRoom, costRoom } from '../../credits/cost-room.js'
import { readForecast } from '../../credits/forecast.js'
import { answersOf, costOfUsage, usageByModel } from '../../credits/model-usage.js'
import type { Prices } from '../../credits/prices.js'
import { inDollars } from '../../money.js'
import type { QueueKeys } from '../../redis/keys.js'
import { loadScript, runScript } from '../../redis/scripts.js'
import { type BatchMarks, type HeldLease, LeaseLost } from '../batch-store.js'
import { holdBack, isLate } from './late-budget.js'

const stopScript = loadScript(new URL('./stop-over-budget.lua', import.meta.url))

export interface BudgetDeps extends HeldLease {
  readonly redis: Redis
  readonly keys: QueueKeys
  /** The completions. */
  readonly queue: Queue
  readonly directoryId: string
  readonly now: () => number
  /** What a token was seen to take from the balance, in cents (null: nothing was learned); the forecast's when not given. */
  readonly centsPerToken?: () => Promise<number | null>
}

/** How many requests of a batch its budgets still allow now. */
export interface Room {
  /** New ones. */
  readonly requests: number
  /** Retries from the dead letters: these cost, but are no new requests. */
  readonly retries: number
}

/** What a batch may spend (`--max-requests`, `--max-cost`). */
export interface Budget {
  /** The money is spent, and what was fed before the budget came is taken out of the queue. */
  readonly holdsBack: boolean
  room(marks: BatchMarks): Promise<Room>
  /** Stops the batch, and has a person asked, once a budget is used up and nothing is open. @throws LeaseLost */
  stopWhenUsedUp(marks: BatchMarks): Promise<boolean>
}

/** Nothing is open and nobody knows what answers cost: so long the balance may still tell. */
const LEARNING_MS = 90_000
const HOLD_BACK_MS = 500
/** With fewer earlier answers than that their mean tells nothing. */
const ENOUGH_EARLIER = 5

/** @param queue the name of the batch's queue */
export function createBudget(batch: string, queue: string, deps: BudgetDeps): Budget {
  const { redis, keys, now } = deps
  const learned =
    deps.centsPerToken ?? (async () => (await readForecast(redis, keys, 0))?.centsPerToken ?? null)
  let unknownSince: number | null = null
  let heldBackAt = Number.NEGATIVE_INFINITY
  let holdsBack = false

  async function costNow(
    marks: BatchMarks,
    maxCents: number,
  ): Promise<CostRoom & { costCents: number | null; open: number }> {
    // First what is open: what ends between the two looks is then counted twice, and not left out.
    const open = await openBelow(marks.fed)
    const fields = await redis.hgetall(keys.batch(batch))
    const { prices = {} } = batchOptionsSchema.parse(JSON.parse(fields.options ?? 'null'))
    const usage = usageByModel(fields)
    // Prices come first: the balance is only asked about what they don't tell.
    const isPriced = answersOf(usage) > 0 && costOfUsage(usage, prices, null) !== null
    const centsPerToken = isPriced ? null : await learned()
    const answers = answersOf(usage)
    const costCents = costOfUsage(usage, prices, centsPerToken)
    const earlierMeanCents = answers > 0 ? null : await earlierMean(prices, centsPerToken)
    return { ...costRoom({ maxCents, costCents, answers, open, earlierMeanCents }), costCents, open }
  }

  /** Requests that were fed and have not ended, but for retries that are not fed yet. */
  async function openBelow(fed: number): Promise<number> {
    const bytes = fed >> 3
    const [ended, last, retries] = await Promise.all([
      bytes === 0 ? 0 : redis.bitcount(keys.done(batch), 0, bytes - 1),
      redis.getrangeBuffer(keys.done(batch), bytes, bytes),
      redis.zcard(keys.retries(batch)),
    ])
    let open = fed - ended - retries
    for (let bit = 0; bit < (fed & 7); bit++) if (((last[0] ?? 0) & (0x80 >> bit)) !== 0) open--
    return Math.max(0, open)
  }

  async function earlierMean(prices: Prices, centsPerToken: number | null): Promise<number | null> {
    const earlier = usageByModel(await redis.hgetall(keys.usage))
    const count = answersOf(earlier)
    const cost = count < ENOUGH_EARLIER ? null : costOfUsage(earlier, prices, centsPerToken)
    return cost === null ? null : cost / count
  }

  async function stop(
    marks: BatchMarks,
    kind: 'requests' | 'cost',
    limit: number,
    used: number | null,
    late = false,
  ) {
    const names = [keys.lease(deps.directoryId), keys.batch(batch), keys.done(batch), keys.retries(batch)]
    const sets = [keys.activeBatches, keys.drainingBatches, keys.outbox]
    const allowed = kind === 'requests' ? `${limit} requests` : inDollars(limit)
    const reason = `its budget of ${allowed} is used up`
    const told = [kind, String(limit), String(marks.fed), used ?? '', reason, late ? '1' : '']
    const reply = await runScript(
      redis,
      stopScript,
      [...names, ...sets],
      [deps.leaseToken(), batch, queue, ...told],
    )
    if (reply === -1) throw new LeaseLost(`another process has taken over batch ${batch}`)
    return reply === 1
  }

  return {
    get holdsBack() {
      return holdsBack
    },
    async room(marks) {
      const { maxRequests, maxCostCents, fedRequests } = marks
      const cost =
        maxCostCents === null ? Number.POSITIVE_INFINITY : moreOf(await costNow(marks, maxCostCents))
      const requests = maxRequests === null ? cost : Math.min(cost, Math.max(0, maxRequests - fedRequests))
      return { requests, retries: cost }
    },
    async stopWhenUsedUp(marks) {
      const { maxRequests, maxCostCents, fedRequests, fed, total } = marks
      holdsBack = false
      if (maxRequests !== null && isLate(marks)) {
        // Thousands of jobs may be in the queue.
        if (now() - heldBackAt < HOLD_BACK_MS) return false
        heldBackAt = now()
        return (
          (await holdBack(batch, maxRequests, deps)) &&
          stop(marks, 'requests', maxRequests, maxRequests, true)
        )
      }
      if (maxRequests !== null && fed < total && fedRequests >= maxRequests) {
        if (await stop(marks, 'requests', maxRequests, fedRequests)) return true
      }
      if (maxCostCents === null) return false
      const cost = await costNow(marks, maxCostCents)
      // The money is spent, and more is in the queue: the budget came late.
      holdsBack = cost.costCents !== null && cost.costCents >= maxCostCents && cost.open > 0
      if (holdsBack) {
        if (now() - heldBackAt < HOLD_BACK_MS) return false
        heldBackAt = now()
        return (await holdBack(batch, 0, deps)) && stop(marks, 'cost', maxCostCents, cost.costCents, true)
      }
      if (cost.kind !== 'unknown' || cost.open > 0) unknownSince = null
      else unknownSince ??= now()
      const gaveUp = unknownSince !== null && now() - unknownSince >= LEARNING_MS
      return cost.kind === 'used_up' || gaveUp ? stop(marks, 'cost', maxCostCents, cost.costCents) : false
    },
  }
}

function moreOf(room: CostRoom): number {
  switch (room.kind) {
    case 'more':
      return room.more
    case 'used_up':
    case 'unknown':
      return 0
  }
}
