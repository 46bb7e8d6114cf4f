import { z } from 'zod'

/** What `stop-over-budget.lua` notes when a batch has used its budget up; it stands where the brake's mark would. */
export const overBudgetSchema = z.strictObject({
  kind: z.literal('budget'),
  batch: z.string(),
  queue: z.string(),
  /** Which of its budgets. */
  budget: z.enum(['requests', 'cost']),
  /** The budget: requests, or cents. */
  limit: z.number(),
  /** What was used of it; null: nobody can tell what its answers cost. */
  used: z.number().nullable(),
  /** Unix ms, by Redis's clock. */
  at: z.number(),
})

export type OverBudget = Readonly<z.infer<typeof overBudgetSchema>>

/** The mark of a batch as its hash has it; null when there is none, or it is the brake's. */
export function readOverBudget(raw: string | undefined): OverBudget | null {
  if (raw === undefined) return null
  const mark: unknown = JSON.parse(raw)
  return isOfBudget(mark) ? overBudgetSchema.parse(mark) : null
}

function isOfBudget(mark: unknown): boolean {
  return typeof mark === 'object' && mark !== null && 'kind' in mark && mark.kind === 'budget'
}
