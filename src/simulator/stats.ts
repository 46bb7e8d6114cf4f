import { type PromptCalls, type PromptRecord, readableCalls, recordOf, sumOf } from './prompt-records.js'
import type { Timeline, TimelineSeries } from './timeline.js'

/** Counts since the start. Only `POST /v1/chat/completions` is a call. */
export interface SimulatorStats {
  readonly calls: number
  /** Calls answered 200 with a completion: decided, hence billed, whether or not the client still listened. */
  readonly completed: number
  /** Completions whose client had gone before the answer was written. */
  readonly undelivered: number
  readonly lostAnswers: number
  /** '0' stands for no status: reset, hang, lost answer. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly byCode: Readonly<Record<string, number>>
  readonly byFault: Readonly<Record<string, number>>
  readonly inFlight: number
  readonly maxInFlight: number
  readonly chargedCents: number
  readonly balanceCents: number
  readonly promptsSeen: number
  readonly promptsCompleted: number
  readonly promptsCompletedMoreThanOnce: number
  /** Calls beyond the first of each prompt. */
  readonly repeatedCalls: number
  /** Completions beyond the first of each prompt: paid twice. */
  readonly repeatedCompletions: number
  /** Calls for a prompt that had its completion already. */
  readonly callsAfterCompletion: number
  /** Calls that arrived after the first 402 was sent, until the account was filled again. */
  readonly callsAfterFirst402: number
  /** Free requests, by endpoint. */
  readonly otherRequests: Readonly<Record<'models' | 'balance' | 'ledger', number>>
  readonly redirectsFollowed: number
  readonly redirectsFollowedWithKey: number
  /** What happened when; only where the options ask for it. */
  readonly timeline?: TimelineSeries
}

export interface Statistics {
  arrived(): void
  left(): void
  /** The record of a prompt, with this call counted. */
  prompt(key: string): PromptRecord
  decided(prompt: PromptRecord, status: number, code: string | null, fault: string | null): void
  completed(prompt: PromptRecord): void
  lost(prompt: PromptRecord): void
  delivered(): void
  undelivered(prompt: PromptRecord): void
  sent402(): void
  accountFilled(): void
  other(endpoint: 'models' | 'balance' | 'ledger'): void
  redirectFollowed(withKey: boolean): void
  snapshot(money: Pick<SimulatorStats, 'chargedCents' | 'balanceCents'>): SimulatorStats
  prompts(): PromptCalls[]
}

/** The simulator's counters, and its timeline where there is one. */
export function createStatistics(timeline: Timeline | null): Statistics {
  const prompts = new Map<string, PromptRecord>()
  const byStatus: Record<string, number> = {}
  const byCode: Record<string, number> = {}
  const byFault: Record<string, number> = {}
  const otherRequests = { models: 0, balance: 0, ledger: 0 }
  const counts = {
    calls: 0,
    completed: 0,
    undelivered: 0,
    lostAnswers: 0,
    inFlight: 0,
    maxInFlight: 0,
    callsAfterCompletion: 0,
    callsAfterFirst402: 0,
    redirectsFollowed: 0,
    redirectsFollowedWithKey: 0,
  }
  let empty = false

  return {
    arrived() {
      counts.calls += 1
      counts.inFlight += 1
      counts.maxInFlight = Math.max(counts.maxInFlight, counts.inFlight)
      if (empty) counts.callsAfterFirst402 += 1
      timeline?.arrived()
    },
    left() {
      counts.inFlight -= 1
      timeline?.left()
    },
    prompt(key) {
      const record = recordOf(prompts, key)
      record.calls += 1
      if (record.completed > 0) counts.callsAfterCompletion += 1
      return record
    },
    decided(prompt, status, code, fault) {
      prompt.statuses.push(status)
      increment(byStatus, String(status))
      if (code !== null) increment(byCode, code)
      if (fault !== null) increment(byFault, fault)
      timeline?.decided(endOf(status, fault))
    },
    completed(prompt) {
      counts.completed += 1
      prompt.completed += 1
    },
    lost(prompt) {
      counts.lostAnswers += 1
      prompt.lost += 1
    },
    delivered() {
      timeline?.answered()
    },
    undelivered(prompt) {
      counts.undelivered += 1
      prompt.undelivered += 1
    },
    sent402() {
      empty = true
    },
    accountFilled() {
      empty = false
    },
    other(endpoint) {
      otherRequests[endpoint] += 1
    },
    redirectFollowed(withKey) {
      counts.redirectsFollowed += 1
      if (withKey) counts.redirectsFollowedWithKey += 1
    },
    snapshot: (money) => ({
      ...counts,
      ...money,
      ...sumOf(prompts.values()),
      byStatus: { ...byStatus },
      byCode: { ...byCode },
      byFault: { ...byFault },
      otherRequests: { ...otherRequests },
      ...(timeline === null ? {} : { timeline: timeline.series() }),
    }),
    prompts: () => [...prompts.values()].map(readableCalls),
  }
}

/** A broken answer may say 200 and is none. */
function endOf(status: number, fault: string | null): 'completed' | 'refused' | 'failed' {
  if (status === 429) return 'refused'
  return status === 200 && fault === null ? 'completed' : 'failed'
}

function increment(counters: Record<string, number>, name: string): void {
  counters[name] = (counters[name] ?? 0) + 1
}
