import { z } from 'zod'

/** An alert as it leaves us: the JSON body of the webhook, and the data of its BullMQ job. */
export const alertSchema = z.strictObject({
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

export type Alert = z.infer<typeof alertSchema>
