import { describe, expect, it } from 'vitest'
import { estimateInput } from '../../src/credits/input-estimate.js'
import { costOfUsage, usageByModel } from '../../src/credits/model-usage.js'
import { createSizeCount } from '../../src/credits/request-sizes.js'
import { inDollars } from '../../src/money.js'

const PRICES = { mini: { input: 0.15, output: 0.6 }, large: { input: 3, output: 15 } }

const usage = (model: string, answers: number, chars: number, prompt: number, completion: number) => ({
  [`used:answers:${model}`]: String(answers),
  [`used:chars:${model}`]: String(chars),
  [`used:prompt:${model}`]: String(prompt),
  [`used:completion:${model}`]: String(completion),
})

describe('what answers took', () => {
  it('is read by model, and costs what its prices say', () => {
    const seen = usageByModel({
      state: 'running',
      ...usage('mini', 10, 4000, 1_000_000, 500_000),
      ...usage('a:b', 1, 8, 2, 3),
    })
    expect(seen.get('a:b')).toEqual({ answers: 1, chars: 8, prompt: 2, completion: 3 })
    expect(costOfUsage(seen, { ...PRICES, 'a:b': { input: 0, output: 0 } }, null)).toBeCloseTo(15 + 30)
  })

  it('costs nobody knows what when a model has no price, unless the balance told', () => {
    const seen = usageByModel({ ...usage('mini', 1, 4, 1000, 0), ...usage('other', 1, 4, 300, 700) })
    expect(costOfUsage(seen, PRICES, null)).toBeNull()
    expect(costOfUsage(seen, PRICES, 0.001)).toBeCloseTo(0.015 + 1)
    expect(costOfUsage(new Map(), {}, null)).toBe(0)
    expect(costOfUsage(usageByModel(usage('toString', 1, 4, 1, 1)), PRICES, null)).toBeNull()
  })
})

describe('what an input will take', () => {
  const sizes = (...all: [model: string, chars: number, mostTokens: number | null][]) => {
    const count = createSizeCount()
    for (const [model, chars, mostTokens] of all) count.add({ model, chars, mostTokens })
    return count
  }
  const known = { usage: new Map(), prices: PRICES, centsPerToken: null }

  it('is told from its length and max_tokens when there was no answer yet', () => {
    const count = sizes(['mini', 400, 50], ['mini', 400, 30], ['mini', 9999, 9999])
    count.remove({ model: 'mini', chars: 9999, mostTokens: 9999 })
    const { models, ...sum } = estimateInput(count.sizes(), known)
    expect(models).toEqual([
      {
        model: 'mini',
        requests: 2,
        promptTokens: 200,
        promptBy: 'characters',
        completionTokens: 80,
        completionBy: 'max_tokens',
        costCents: expect.closeTo(((200 * 0.15 + 80 * 0.6) / 1e6) * 100),
        costBy: 'prices',
      },
    ])
    expect(sum).toMatchObject({ promptTokens: 200, completionTokens: 80 })
  })

  it('is told from earlier answers, of which none is longer than a request allows', () => {
    const earlier = usageByModel(usage('mini', 10, 1000, 500, 400))
    const { models } = estimateInput(sizes(['mini', 300, null], ['mini', 100, 10]).sizes(), {
      ...known,
      usage: earlier,
    })
    expect(models).toMatchObject([
      { promptTokens: 200, promptBy: 'answers', completionTokens: 50, completionBy: 'answers' },
    ])
  })

  it('is not told where nobody knows how long answers will be, or what the model costs', () => {
    const all = sizes(['mini', 4, 10], ['mini', 4, null], ['other', 4, 10])
    const { models, costCents, completionTokens } = estimateInput(all.sizes(), known)
    expect(models).toMatchObject([
      { model: 'mini', completionTokens: null, costCents: null, costBy: null },
      { model: 'other', completionTokens: 10, costCents: null, costBy: null },
    ])
    expect({ costCents, completionTokens }).toEqual({ costCents: null, completionTokens: null })
    const learned = estimateInput(sizes(['other', 4, 9]).sizes(), { ...known, centsPerToken: 0.5 })
    expect(learned).toMatchObject({ costCents: 5, models: [{ costBy: 'balance' }] })
  })
})

it('cents are told in dollars', () => {
  expect([0, 0.034, 1, 9.99, 1240, 123_456].map(inDollars)).toEqual([
    '$0.00',
    '$0.00034',
    '$0.01',
    '$0.10',
    '$12.40',
    '$1,234.56',
  ])
})
