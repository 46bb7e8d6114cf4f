import { answerLine, errorLine } from '../../src/completions/output-line.js'
import type { Ending } from '../../src/completions/record.js'
import type { RequestPlace } from '../../src/completions/request.js'
import type { Failure } from '../../src/conduit/outcome.js'

/** Tokens of every answer here. */
export const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }

/** What Conduit refuses a request with. */
export const REFUSAL: Failure = {
  status: 404,
  code: 'CHAT_MODEL_NOT_FOUND',
  message: 'There is no such model',
  requestId: 'req_refused',
  envelope: { code: 'CHAT_MODEL_NOT_FOUND', message: 'There is no such model', requestId: 'req_refused' },
}

/** An answer, as a worker records it. */
export function answered(
  place: RequestPlace,
  text = `answer ${place.index}`,
): Ending & { kind: 'completed' } {
  const body = { choices: [{ message: { role: 'assistant', content: text } }], usage: USAGE }
  const line = answerLine(place, idOf(place), { requestId: `req_${place.index}`, body })
  return { kind: 'completed', line, usage: USAGE, asked: { model: 'm', chars: 3 } }
}

/** A dead letter, as a worker records it. */
export function refused(place: RequestPlace): Ending & { kind: 'dead' } {
  const customId = idOf(place)
  return {
    kind: 'dead',
    line: errorLine(place, customId, REFUSAL, null),
    letter: {
      ...place,
      customId,
      line: place.index + 1,
      model: 'm',
      code: REFUSAL.code,
      failure: REFUSAL,
      history: [],
      sendable: true,
      body: null,
      attempts: 1,
      at: 0,
    },
  }
}

/** As `requests` in batch-files.ts names them. */
function idOf({ index }: RequestPlace): string {
  return `p-${index + 1}`
}
