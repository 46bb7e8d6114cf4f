import fc from 'fast-check'
import { HOLD_REASONS, type Incident, type IncidentHold } from '../../src/admission/hold.js'
import type { BatchSnapshot, HoldNow, QueuePace, QueueSnapshot } from '../../src/batches/snapshot.js'
import { BATCH_STATES } from '../../src/batches/states.js'
import type { ProgressView } from '../../src/cli/progress/view.js'
import type { Forecast } from '../../src/credits/forecast.js'

/** 9 March 2026, noon in the local zone. */
export const NOON_MS = new Date(2026, 2, 9, 12, 0, 0).getTime()

export function aBatch(over: Partial<BatchSnapshot> = {}): BatchSnapshot {
  return {
    batch: 'b1',
    queue: 'default',
    state: 'running',
    reason: null,
    total: 1000,
    fed: 640,
    completed: 609,
    failed: 3,
    unfinished: 0,
    failedByCode: { CHAT_MODEL_NOT_FOUND: 1, VALIDATION_ERROR: 2 },
    retries: 12,
    throttled: 31,
    maybeBilled: 0,
    pauses: 0,
    usage: { prompt_tokens: 50_100, completion_tokens: 31_120, total_tokens: 81_220 },
    createdAt: NOON_MS - 60_000,
    finishedAt: null,
    expiresAt: null,
    brake: null,
    overBudget: null,
    maxRequests: null,
    maxCostCents: null,
    costCents: null,
    input: 'prompts.jsonl',
    output: 'prompts.results.jsonl',
    errors: 'prompts.errors.jsonl',
    ...over,
  }
}

export function aHold(over: Partial<HoldNow> = {}): HoldNow {
  return {
    reason: 'credits',
    since: NOON_MS - 200_000,
    by: 'worker-1',
    code: 'BILLING_INSUFFICIENT_FUNDS',
    message: 'Insufficient funds',
    requestId: 'req_abc123',
    until: null,
    keyFingerprint: null,
    byItself: over.reason !== 'person',
    ...over,
  }
}

export function anIncident(over: Partial<Incident> = {}): Incident {
  return {
    id: 'i1',
    queue: 'default',
    reason: 'credits',
    code: 'BILLING_INSUFFICIENT_FUNDS',
    message: 'Insufficient funds',
    requestId: 'req_abc123',
    openedAt: NOON_MS - 50_000,
    liftedAt: NOON_MS - 13_000,
    liftedBy: 'person',
    resolvedAt: NOON_MS - 12_000,
    resolvedBy: 'success',
    failedProbes: 0,
    holds: [anIncidentHold()],
    waiting: 388,
    costToFinishCents: null,
    reminders: 0,
    remindedAt: null,
    remindersFrom: NOON_MS - 50_000,
    ...over,
  }
}

export function anIncidentHold(over: Partial<IncidentHold> = {}): IncidentHold {
  return {
    reason: 'credits',
    code: 'BILLING_INSUFFICIENT_FUNDS',
    message: 'Insufficient funds',
    requestId: 'req_abc123',
    by: 'worker-1',
    since: NOON_MS - 50_000,
    liftedAt: NOON_MS - 13_000,
    liftedBy: 'person',
    liftedWho: 'alice',
    ...over,
  }
}

export function aPace(over: Partial<QueuePace> = {}): QueuePace {
  return {
    ratePerSecond: 50,
    learnedPerMinute: null,
    state: 'open',
    since: null,
    closedUntil: null,
    refusedShare: null,
    inFlight: 20,
    leased: 0,
    concurrency: 50,
    ...over,
  }
}

export function aQueue(over: Partial<QueueSnapshot> = {}): QueueSnapshot {
  return {
    queue: 'default',
    holds: [],
    probing: false,
    incident: null,
    pace: aPace(),
    waiting: 40,
    active: 20,
    delayed: 0,
    workers: 1,
    forecast: null,
    ...over,
  }
}

export function aView(over: Partial<ProgressView> = {}): ProgressView {
  return {
    batch: aBatch(),
    queue: aQueue(),
    nowMs: NOON_MS,
    startedAtMs: NOON_MS - 14_300,
    ratePerSecond: 48.2,
    leftMs: 8_000,
    connection: 'ok',
    closing: false,
    attached: false,
    ...over,
  }
}

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const moment = fc.integer({ min: 0, max: 8_640_000_000_000_000 })
/** Any code point, lone surrogates included; fast-check's own `binary` takes a second to begin. */
export const anyCharacter = fc.oneof(
  fc.integer({ min: 0, max: 0x9f }).map((code) => String.fromCodePoint(code)),
  fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
)
/** Anything that may come from outside: other scripts, emoji, escape sequences, line breaks, long words. */
const anyText = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom(
    '',
    'x'.repeat(500),
    '漢字'.repeat(90),
    '👨‍👩‍👧‍👦'.repeat(40),
    '\u001b[2J\u001b[31mred',
    'a\r\nb\tc\u0007',
  ),
)

/** What `queueKeys` lets through. */
const anyQueueName = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/)

const anyHold: fc.Arbitrary<HoldNow> = fc.record({
  reason: fc.constantFrom(...HOLD_REASONS),
  since: moment,
  by: anyText,
  code: anyText,
  message: anyText,
  requestId: fc.option(anyText),
  until: fc.option(moment),
  keyFingerprint: fc.option(anyText),
  byItself: fc.boolean(),
})

const anyLift = fc.option(fc.constantFrom('person', 'new_key', 'time', 'credits_seen', 'room'))

const anyIncidentHold: fc.Arbitrary<IncidentHold> = fc.record({
  reason: fc.constantFrom(...HOLD_REASONS),
  code: anyText,
  message: anyText,
  requestId: fc.option(anyText),
  by: anyText,
  since: moment,
  liftedAt: fc.option(moment),
  liftedBy: anyLift,
  liftedWho: fc.option(anyText),
})

export const anyIncident: fc.Arbitrary<Incident> = fc.record({
  id: anyText,
  queue: anyQueueName,
  reason: fc.constantFrom(...HOLD_REASONS),
  code: anyText,
  message: anyText,
  requestId: fc.option(anyText),
  openedAt: moment,
  liftedAt: fc.option(moment),
  liftedBy: anyLift,
  resolvedAt: fc.option(moment),
  resolvedBy: fc.option(fc.constantFrom('success', 'nothing_waits')),
  failedProbes: count,
  holds: fc.array(anyIncidentHold, { minLength: 1, maxLength: 5 }),
  waiting: fc.option(count),
  costToFinishCents: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
  reminders: count,
  remindedAt: fc.option(moment),
  remindersFrom: moment,
})

export const anyBatch: fc.Arbitrary<BatchSnapshot> = fc.record({
  batch: anyText,
  queue: anyQueueName,
  state: fc.constantFrom(...BATCH_STATES),
  reason: fc.option(anyText),
  total: count,
  fed: count,
  completed: count,
  failed: count,
  unfinished: count,
  failedByCode: fc.dictionary(anyText, count),
  retries: count,
  throttled: count,
  maybeBilled: count,
  pauses: count,
  usage: fc.record({ prompt_tokens: count, completion_tokens: count, total_tokens: count }),
  createdAt: moment,
  finishedAt: fc.option(moment),
  expiresAt: fc.option(moment),
  brake: fc.option(
    fc.record({
      batch: anyText,
      queue: anyText,
      code: anyText,
      count,
      of: count,
      message: anyText,
      at: moment,
    }),
  ),
  overBudget: fc.option(
    fc.record({
      kind: fc.constant('budget' as const),
      batch: anyText,
      queue: anyText,
      budget: fc.constantFrom('requests', 'cost'),
      limit: count,
      used: fc.option(count),
      at: moment,
    }),
  ),
  maxRequests: fc.option(count),
  maxCostCents: fc.option(count),
  costCents: fc.option(count),
  input: anyText,
  output: anyText,
  errors: anyText,
})

const cents = fc.double({ min: 0, max: 1e9, noNaN: true })

const anyForecast: fc.Arbitrary<Forecast> = fc.record({
  balanceCents: cents,
  seenAt: moment,
  centsPerRequest: cents,
  centsPerToken: fc.option(cents),
  centsPerMinute: cents,
  costToFinishCents: cents,
  shortByCents: cents,
  lastsMs: fc.option(count),
  low: fc.boolean(),
})

export const anyQueue: fc.Arbitrary<QueueSnapshot> = fc.record({
  queue: anyQueueName,
  holds: fc.array(anyHold, { maxLength: 6 }),
  probing: fc.boolean(),
  incident: fc.option(anyIncident),
  pace: fc.record({
    ratePerSecond: fc.double({ min: 0, max: 1e6, noNaN: true }),
    learnedPerMinute: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
    state: fc.constantFrom('open', 'closed', 'outage'),
    since: fc.option(moment),
    closedUntil: fc.option(moment),
    refusedShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    inFlight: count,
    leased: count,
    concurrency: count,
  }),
  waiting: count,
  active: count,
  delayed: count,
  workers: count,
  forecast: fc.option(anyForecast),
})

export const anyView: fc.Arbitrary<ProgressView> = fc.record({
  batch: anyBatch,
  queue: anyQueue,
  nowMs: moment,
  startedAtMs: moment,
  ratePerSecond: fc.option(fc.double({ min: 0 })),
  leftMs: fc.option(fc.double({ min: 0 })),
  connection: fc.constantFrom('ok', 'reconnecting'),
  closing: fc.boolean(),
  attached: fc.boolean(),
})
