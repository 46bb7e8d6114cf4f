/** What a model costs: dollars per million tokens. */
export interface ModelPrice {
  readonly input: number
  readonly output: number
}

/** Prices by model, as the file of settings gives them. */
export type Prices = Readonly<Record<string, ModelPrice>>

/** Tokens of requests and of their answers. */
export interface Tokens {
  readonly prompt: number
  readonly completion: number
}

const TOKENS_PER_MILLION = 1_000_000
const CENTS_PER_DOLLAR = 100

/** The price of a model; null when the table has none. */
export function priceOf(prices: Prices, model: string): ModelPrice | null {
  return Object.hasOwn(prices, model) ? (prices[model] ?? null) : null
}

/** What tokens cost, in cents and fractions of one. */
export function costCents({ input, output }: ModelPrice, { prompt, completion }: Tokens): number {
  return ((prompt * input + completion * output) / TOKENS_PER_MILLION) * CENTS_PER_DOLLAR
}

/**
 * What tokens of a model cost, in cents: by its price, else by what a token was seen to cost.
 * @param centsPerToken learned from a balance that fell; null: nothing was learned
 * @returns null when neither tells
 */
export function costOf(
  model: string,
  tokens: Tokens,
  prices: Prices,
  centsPerToken: number | null,
): number | null {
  const price = priceOf(prices, model)
  if (price !== null) return costCents(price, tokens)
  return centsPerToken === null ? null : (tokens.prompt + tokens.completion) * centsPerToken
}
