import { z } from 'zod'

/** What `record.lua` notes when nearly all of the last outcomes of a batch are dead with one code. */
export const brakeSchema = z.strictObject({
  batch: z.string(),
  queue: z.string(),
  /** What they died of. */
  code: z.string(),
  /** So many of the last `of` outcomes. */
  count: z.int(),
  of: z.int(),
  /** The message of the last of them, one line. */
  message: z.string(),
  /** Unix ms, by Redis's clock. */
  at: z.number(),
})

export type Brake = Readonly<z.infer<typeof brakeSchema>>

/** The brake of a batch as its hash has it; null when it was not pulled, or a budget stands in its place (batches/budget). */
export function readBrake(raw: string | undefined): Brake | null {
  if (raw === undefined) return null
  const mark: unknown = JSON.parse(raw)
  const isOfBudget = typeof mark === 'object' && mark !== null && 'kind' in mark
  return isOfBudget ? null : brakeSchema.parse(mark)
}
