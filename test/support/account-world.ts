import { addSighting, type Book } from '../../src/credits/sightings.js'

/** A request of a made-up batch. */
export interface MadeUp {
  readonly chars: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly cents: number
}

export interface AccountWorld {
  readonly requests: readonly MadeUp[]
  /** Calls that are out at any time. */
  readonly inFlight: number
  /** Whether a call is paid for when it goes out, or when its answer comes. */
  readonly paidAtStart: boolean
  /** Answers between two looks. */
  readonly answersPerLook: number
  /** Bought after so many looks. */
  readonly purchases?: readonly { readonly look: number; readonly cents: number }[]
  readonly startCents: number
  readonly lookMs?: number
}

export interface LookedAt {
  readonly book: Book
  readonly answered: number
  /** What the others really cost. */
  readonly restCents: number
  readonly restChars: number
}

/** The looks at an account, in whole cents as Conduit tells them, while a batch is answered. */
export function* lookAt(world: AccountWorld): Generator<LookedAt> {
  const {
    requests,
    inFlight,
    paidAtStart,
    answersPerLook,
    purchases = [],
    startCents,
    lookMs = 30_000,
  } = world
  const sums = runningSums(requests)
  const sum = (from: number, to: number, name: keyof MadeUp) =>
    (sums[name][Math.min(to, requests.length)] as number) - (sums[name][from] as number)
  let book: Book | null = null
  for (let look = 0, answered = 0; answered <= requests.length; look++, answered += answersPerLook) {
    const out = look === 0 ? 0 : Math.min(inFlight, requests.length - answered)
    const bought = purchases.reduce((total, one) => (one.look <= look ? total + one.cents : total), 0)
    const spent = sum(0, answered + (paidAtStart ? out : 0), 'cents')
    book = addSighting(book, {
      at: look * lookMs,
      balanceCents: Math.floor(startCents + bought - spent),
      totals: {
        answers: answered,
        chars: sum(0, answered, 'chars'),
        promptTokens: sum(0, answered, 'promptTokens'),
        completionTokens: sum(0, answered, 'completionTokens'),
      },
      inFlight: out,
      inHand: out,
    })
    yield {
      book,
      answered,
      restCents: sum(answered, requests.length, 'cents'),
      restChars: sum(answered, requests.length, 'chars'),
    }
  }
}

function runningSums(requests: readonly MadeUp[]): Record<keyof MadeUp, number[]> {
  const of = (name: keyof MadeUp) => {
    const sums = [0]
    for (const one of requests) sums.push((sums.at(-1) as number) + one[name])
    return sums
  }
  return {
    chars: of('chars'),
    promptTokens: of('promptTokens'),
    completionTokens: of('completionTokens'),
    cents: of('cents'),
  }
}

/** A request as models are paid for: answers are dearer than prompts. */
export function paidByTokens(chars: number, completionTokens: number, centsPerToken = 0.01): MadeUp {
  const promptTokens = Math.ceil(chars / 4)
  return { chars, promptTokens, completionTokens, cents: (promptTokens + completionTokens) * centsPerToken }
}
