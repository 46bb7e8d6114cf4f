import type { ModelUsage, UsageByModel } from './model-usage.js'
import { costOf, type Prices, priceOf } from './prices.js'
import type { ModelSizes, SizesByModel } from './request-sizes.js'

/** With fewer answers than that nothing is told from them. */
const ENOUGH_ANSWERS = 5
/** English text; what a tokenizer makes of it depends on the model. */
const CHARS_PER_TOKEN = 4

/** About what requests of one model will take, and how each figure was got. */
export interface ModelEstimate {
  readonly model: string
  readonly requests: number
  readonly promptTokens: number
  /** Tokens per character of earlier answers of this model, or 4 characters a token. */
  readonly promptBy: 'answers' | 'characters'
  /** Null: nobody can tell. */
  readonly completionTokens: number | null
  /** Earlier answers of this model, or `max_tokens` of the requests, which is the most that they can take. */
  readonly completionBy: 'answers' | 'max_tokens' | null
  /** Null: nobody can tell. */
  readonly costCents: number | null
  /** The table of prices, or what a token was seen to take from the balance. */
  readonly costBy: 'prices' | 'balance' | null
}

export interface InputEstimate {
  readonly models: readonly ModelEstimate[]
  readonly promptTokens: number
  /** Sums over all models; null when it can't be told of one. */
  readonly completionTokens: number | null
  readonly costCents: number | null
}

/** What is known of what calls take. */
export interface Known {
  /** Of earlier answers. */
  readonly usage: UsageByModel
  readonly prices: Prices
  /** Learned from the balance; null: nothing was learned. */
  readonly centsPerToken: number | null
}

/** About what requests will take. Models in the order of their requests, most first. */
export function estimateInput(sizes: SizesByModel, known: Known): InputEstimate {
  const models = [...sizes].map(([model, size]) => estimateModel(model, size, known))
  models.sort((one, other) => other.requests - one.requests)
  return {
    models,
    promptTokens: models.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    completionTokens: sumOf(models.map(({ completionTokens }) => completionTokens)),
    costCents: sumOf(models.map(({ costCents }) => costCents)),
  }
}

function estimateModel(model: string, sizes: ModelSizes, known: Known): ModelEstimate {
  const seen = known.usage.get(model)
  const earlier = seen !== undefined && seen.answers >= ENOUGH_ANSWERS ? seen : null
  const prompt = promptOf(sizes, earlier)
  const completion = completionOf(sizes, earlier)
  const { completionTokens } = completion
  const tokens = { prompt: prompt.promptTokens, completion: completionTokens ?? 0 }
  const costCents =
    completionTokens === null ? null : costOf(model, tokens, known.prices, known.centsPerToken)
  const costBy = costCents === null ? null : priceOf(known.prices, model) === null ? 'balance' : 'prices'
  return { model, requests: sizes.requests, ...prompt, ...completion, costCents, costBy }
}

function promptOf(
  { chars }: ModelSizes,
  earlier: ModelUsage | null,
): Pick<ModelEstimate, 'promptTokens' | 'promptBy'> {
  if (earlier !== null && earlier.chars > 0 && earlier.prompt > 0) {
    return { promptTokens: Math.ceil((chars * earlier.prompt) / earlier.chars), promptBy: 'answers' }
  }
  return { promptTokens: Math.ceil(chars / CHARS_PER_TOKEN), promptBy: 'characters' }
}

function completionOf(
  { byMostTokens }: ModelSizes,
  earlier: ModelUsage | null,
): Pick<ModelEstimate, 'completionTokens' | 'completionBy'> {
  const mean = earlier === null ? null : earlier.completion / earlier.answers
  let sum = 0
  for (const [most, count] of byMostTokens) {
    // Requests that allow less than others took can't take as much.
    const each = mean === null ? most : Math.min(mean, most ?? mean)
    if (each === null && count > 0) return { completionTokens: null, completionBy: null }
    sum += (each ?? 0) * count
  }
  return { completionTokens: Math.ceil(sum), completionBy: mean === null ? 'max_tokens' : 'answers' }
}

function sumOf(figures: readonly (number | null)[]): number | null {
  return figures.reduce((sum, figure) => (sum === null || figure === null ? null : sum + figure), 0)
}
