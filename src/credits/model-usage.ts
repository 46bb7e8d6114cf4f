import { costOf, type Prices, type Tokens } from './prices.js'

/** What answers of one model took, summed. */
export interface ModelUsage extends Tokens {
  readonly answers: number
  /** Characters of their prompts. */
  readonly chars: number
}

/** By model. */
export type UsageByModel = ReadonlyMap<string, ModelUsage>

const FIELD = /^used:(answers|chars|prompt|completion):(.+)$/s
const NONE: ModelUsage = { answers: 0, chars: 0, prompt: 0, completion: 0 }

/** Reads it from the hash of a queue's usage, or of a batch: `used:<what>:<model>`, as `record.lua` counts. */
export function usageByModel(fields: Readonly<Record<string, string>>): UsageByModel {
  const byModel = new Map<string, ModelUsage>()
  for (const [name, value] of Object.entries(fields)) {
    const [, what, model] = FIELD.exec(name) ?? []
    if (what === undefined || model === undefined) continue
    byModel.set(model, { ...(byModel.get(model) ?? NONE), [what]: Number(value) })
  }
  return byModel
}

/**
 * What all these answers cost, in cents; nothing costs 0.
 * @returns null when of one model nobody can tell
 */
export function costOfUsage(
  usage: UsageByModel,
  prices: Prices,
  centsPerToken: number | null,
): number | null {
  let sum = 0
  for (const [model, tokens] of usage) {
    const cost = costOf(model, tokens, prices, centsPerToken)
    if (cost === null) return null
    sum += cost
  }
  return sum
}

/** How many answers these are. */
export function answersOf(usage: UsageByModel): number {
  return [...usage.values()].reduce((sum, { answers }) => sum + answers, 0)
}
