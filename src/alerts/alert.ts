import { z } from 'zod'

/** What every alert says. */
const common = {
  /** One fact, one id, whichever channel tells it and however often: the same when a crash repeats it. */
  id: z.string(),
  queue: z.string(),
  /** ISO 8601. */
  since: z.string(),
  /** What a person can do, in one line. */
  action: z.string(),
}

/** Requests that have not ended: of active batches, or of the batch that is told of. */
const waiting = z.int()

const incidentAlertSchema = z.strictObject({
  type: z.enum(['incident.opened', 'incident.reminder', 'incident.resolved']),
  ...common,
  /** The same in all alerts of an incident; `since` is when its first hold was placed. */
  incident: z.string(),
  reason: z.string(),
  /** All reasons that hold the queue now, `reason` among them as long as it does. */
  reasons: z.array(z.string()),
  code: z.string(),
  message: z.string(),
  requestId: z.string().nullable(),
  waiting,
  /** About what they will cost; null while nobody can tell. */
  costToFinishCents: z.number().nullable(),
  /** The page of Conduit where it can be mended; null where none helps. */
  link: z.string().nullable(),
  /** The line to type once it is mended; null where nothing need be typed. */
  command: z.string().nullable(),
  /** Set in `incident.resolved`. */
  resolvedAt: z.string().nullable(),
  durationMs: z.int().nullable(),
  endedBy: z.string().nullable(),
})

/** The brake has stopped a batch. */
const brakeAlertSchema = z.strictObject({
  type: z.literal('batch.braked'),
  ...common,
  batch: z.string(),
  reason: z.literal('brake'),
  /** What nearly all of its last requests failed with. */
  code: z.string(),
  /** What happened, in one line. */
  message: z.string(),
  waiting,
})

/** The credits will not last for what is queued; nothing stands still yet. */
const balanceAlertSchema = z.strictObject({
  type: z.literal('balance.low'),
  ...common,
  reason: z.literal('credits'),
  /** What happened, in one line. */
  message: z.string(),
  /** Cents: what is there, what the queued requests will take, and how much of that is lacking. */
  balanceCents: z.number(),
  costToFinishCents: z.number(),
  shortByCents: z.number(),
  /** How long the credits last at the present pace; null while nothing is spent. */
  lastsMs: z.int().nullable(),
  /** Queued requests. */
  waiting,
  link: z.string(),
})

/** Somebody asks whether alerts arrive. */
const testAlertSchema = z.strictObject({ type: z.literal('alert.test'), ...common, message: z.string() })

/** A batch has used up what it may take (`--max-requests`, `--max-cost`), and waits for a person. */
const overBudgetAlertSchema = z.strictObject({
  type: z.literal('batch.over_budget'),
  ...common,
  batch: z.string(),
  reason: z.literal('budget'),
  budget: z.enum(['requests', 'cost']),
  /** Requests, or cents. */
  limit: z.number(),
  /** Of the same; null when nobody can tell what its answers cost. */
  used: z.number().nullable(),
  /** What happened, in one line. */
  message: z.string(),
  waiting,
})

/** An alert as it leaves us: the JSON body of a webhook, and what the jobs of its delivery carry. */
export const alertSchema = z.discriminatedUnion('type', [
  incidentAlertSchema,
  brakeAlertSchema,
  balanceAlertSchema,
  testAlertSchema,
  overBudgetAlertSchema,
])

export type Alert = z.infer<typeof alertSchema>
