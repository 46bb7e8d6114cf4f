import type { DeadLetter } from '../src/completions/dead-letters/dead-letter.js'
import type { Failure } from '../src/conduit/outcome.js'

/** What is the same in all letters here, and of which the kinds differ. */
interface Kind {
  readonly code: string
  readonly model: string
  readonly failure: (index: number) => Failure
}

function failed(status: number, code: string, message: string, index: number, fields?: object): Failure {
  const requestId = `req_${index}`
  const details = fields === undefined ? {} : { details: { fields } }
  return { status, code, message, requestId, envelope: { code, message, requestId, ...details } }
}

const TOO_LONG: Kind = {
  code: 'VALIDATION_ERROR',
  model: 'gpt-4o',
  failure: (index) =>
    failed(400, 'VALIDATION_ERROR', `max_tokens must be at most ${4096 + index}`, index, {
      max_tokens: 'too high',
    }),
}
const NO_MODEL: Kind = {
  code: 'CHAT_MODEL_NOT_FOUND',
  model: 'gpt-9',
  failure: (index) => failed(404, 'CHAT_MODEL_NOT_FOUND', `The model "gpt-9-${index}" does not exist`, index),
}
const EXHAUSTED: Kind = {
  code: 'retries_exhausted',
  model: 'gpt-4o-mini',
  failure: (index) => failed(503, 'SERVICE_UNAVAILABLE', `Service unavailable, request req_${index}`, index),
}

/** Of ten letters, so many of each. */
const MIX = [
  TOO_LONG,
  NO_MODEL,
  TOO_LONG,
  EXHAUSTED,
  TOO_LONG,
  NO_MODEL,
  TOO_LONG,
  EXHAUSTED,
  TOO_LONG,
  NO_MODEL,
]

/** Dead letters of three kinds of one batch: 50 % validation errors, 30 % without a model, 20 % exhausted. */
export function manyLetters(batch: string, count: number, generation = 0): DeadLetter[] {
  return Array.from({ length: count }, (_, index) => {
    const { code, model, failure } = MIX[index % MIX.length] as Kind
    return {
      batch,
      index,
      generation,
      customId: `p-${index + 1}`,
      line: index + 1,
      model,
      code,
      failure: failure(index),
      attempts: 1,
      history: [],
      sendable: true,
      body: null,
      at: index,
    }
  })
}
