import { z } from 'zod'
import type { FieldMessages } from './envelope.js'
import { type FaultName, isFaultName } from './fault-names.js'

const cents = z.number().nonnegative()
const count = z.int().nonnegative()
const durationMs = z.number().nonnegative()

const limitSchema = z.strictObject({
  /** sliding: any span of windowMs; fixed: windows aligned to the clock; bucket: even refill, with a burst. */
  kind: z.enum(['sliding', 'fixed', 'bucket']),
  requestsPerWindow: z.int().positive().max(10_000_000),
  /** A minute, as Conduit counts; shorter compresses the clock for tests. */
  windowMs: z.number().positive().default(60_000),
  /** Bucket only: how many it holds when full; default requestsPerWindow. */
  burst: z.int().positive().optional(),
  /** Whether a refused call uses the limit up too. */
  countRefused: z.boolean().default(false),
})

const latencySchema = z
  .strictObject({ min: durationMs, max: durationMs })
  .refine((latency) => latency.min <= latency.max, 'min must not be above max')

const faultRuleSchema = z.strictObject({
  fault: z.custom<FaultName>(isFaultName, 'is not a fault that the simulator knows'),
  /** 0 to 1, for each call that reaches the rule. */
  probability: z.number().min(0).max(1),
  /** At most so many times. */
  count: count.optional(),
  /** The rule starts so long after it was set. */
  afterMs: durationMs.optional(),
  /** The rule lasts so long once started. */
  forMs: durationMs.optional(),
  /** Retry-After in seconds, for a fault that is an envelope. */
  retryAfterSeconds: count.optional(),
})

/** How Retry-After is told: as documented (seconds), as an HTTP date, or badly. */
const retryAfterSchema = z.union([
  z.enum(['seconds', 'date', 'missing', 'zero', 'absurd', 'malformed']),
  z.strictObject({ fixedSeconds: count }),
])

/** How `x-ratelimit-*` headers are told: as OpenAI does, with plain numbers and seconds, or not at all. */
const rateLimitHeadersSchema = z.enum(['none', 'openai', 'plain'])

const changeable = {
  apiKeys: z.array(z.string().min(1)),
  expiredApiKeys: z.array(z.string().min(1)),
  /** An empty list: every model is known. */
  models: z.array(z.string().min(1)),
  costCents: cents,
  /** What a token costs beside that: then long prompts, and those with a large max_tokens, cost more. */
  costPerTokenCents: cents,
  spendingLimitCents: cents.nullable(),
  dailyQuota: count.nullable(),
  limit: limitSchema.nullable(),
  retryAfter: retryAfterSchema,
  /** On every answer to a valid key, while there is a limit. */
  rateLimitHeaders: rateLimitHeadersSchema,
  /** How long a completion or a fault takes. */
  latencyMs: latencySchema,
  /** How long a refusal takes. */
  refusalLatencyMs: latencySchema,
  faults: z.array(faultRuleSchema),
}

const optionsSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  /** 0: any free port. */
  port: z.int().min(0).max(65_535).default(0),
  seed: z.int().default(1),
  /** null: an account without an end. */
  balanceCents: cents.nullable().default(null),
  apiKeys: changeable.apiKeys.default(['sk-simulator']),
  expiredApiKeys: changeable.expiredApiKeys.default([]),
  models: changeable.models.default(['gpt-4o-mini', 'gpt-4o', 'claude-sonnet-4', 'gemini-2.5-flash']),
  costCents: changeable.costCents.default(1),
  costPerTokenCents: changeable.costPerTokenCents.default(0),
  spendingLimitCents: changeable.spendingLimitCents.default(null),
  dailyQuota: changeable.dailyQuota.default(null),
  limit: changeable.limit.default(null),
  retryAfter: changeable.retryAfter.default('seconds'),
  rateLimitHeaders: changeable.rateLimitHeaders.default('none'),
  latencyMs: changeable.latencyMs.default({ min: 0, max: 0 }),
  refusalLatencyMs: changeable.refusalLatencyMs.default({ min: 0, max: 0 }),
  faults: changeable.faults.default([]),
  /** The statistics have a timeline in spans of this length; null: none. */
  timelineMs: z.number().positive().nullable().default(null),
})

const controlSchema = z
  .strictObject({
    ...changeable,
    balanceCents: cents.nullable(),
    /** Adds credits and writes a CREDIT_PURCHASE to the ledger. */
    topUpCents: z.number().positive(),
  })
  .partial()

export type SimulatorOptions = z.input<typeof optionsSchema>
export type SimulatorSettings = z.output<typeof optionsSchema>
export type ControlPatch = z.input<typeof controlSchema>
export type ControlChange = z.output<typeof controlSchema>
export type LimitOptions = z.input<typeof limitSchema>
export type LimitSettings = z.output<typeof limitSchema>
export type FaultRule = z.output<typeof faultRuleSchema>
export type RetryAfterMode = z.output<typeof retryAfterSchema>
export type RateLimitHeaderStyle = z.output<typeof rateLimitHeadersSchema>
export type LatencyMs = z.output<typeof latencySchema>

/** The options with their defaults filled in. Throws ZodError when one is wrong or unknown. */
export function parseOptions(options: SimulatorOptions): SimulatorSettings {
  return optionsSchema.parse(options)
}

/** A control patch, checked. Throws ZodError when a field is wrong or unknown. */
export function parseControl(patch: unknown): ControlChange {
  return controlSchema.parse(patch)
}

/** What a ZodError says, by the path of each field. */
export function fieldMessages(error: z.ZodError): FieldMessages {
  const named = error.issues.flatMap((issue) => {
    const path = issue.path.join('.')
    if (issue.code !== 'unrecognized_keys') return [[path === '' ? 'body' : path, issue.message]]
    return issue.keys.map((key) => [path === '' ? key : `${path}.${key}`, 'is not known'])
  })
  return Object.fromEntries(named)
}
