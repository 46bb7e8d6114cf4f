import { z } from 'zod'

const incidentAlertSchema = z.strictObject({
  type: z.enum(['incident.opened', 'incident.resolved']),
  /** The same in both alerts of an incident. */
  incident: z.string(),
  queue: z.string(),
  reason: z.string(),
  code: z.string(),
  message: z.string(),
  requestId: z.string().nullable(),
  /** When the first hold was placed, ISO 8601. */
  since: z.string(),
  /** Requests of active batches that have not ended. */
  waiting: z.int(),
  /** What a person can do, in one line. */
  action: z.string(),
  /** Set in `incident.resolved`. */
  resolvedAt: z.string().nullable(),
  durationMs: z.int().nullable(),
  endedBy: z.string().nullable(),
})

/** The brake has stopped a batch. */
const brakeAlertSchema = z.strictObject({
  type: z.literal('batch.braked'),
  batch: z.string(),
  queue: z.string(),
  reason: z.literal('brake'),
  /** What nearly all of its last requests failed with. */
  code: z.string(),
  /** What happened, in one line. */
  message: z.string(),
  /** ISO 8601. */
  since: z.string(),
  /** Requests of the batch that have not ended. */
  waiting: z.int(),
  /** What a person can do, in one line. */
  action: z.string(),
})

/** An alert as it leaves us: the JSON body of the webhook, and the data of its BullMQ job. */
export const alertSchema = z.discriminatedUnion('type', [incidentAlertSchema, brakeAlertSchema])

export type Alert = z.infer<typeof alertSchema>
