import { LINE_PROBLEM_CODES } from '../../batches/input/line-problem.js'
import { UNAFFORDABLE } from '../../completions/decide.js'
import { OWN_CODES, ruleFor } from '../../conduit/codes.js'
import { suggested } from './suggest.js'

/** What to do about requests that died of one code. */
export interface CodeAdvice {
  /** What the code means; null when its message says it all. */
  readonly means: string | null
  /** A sentence. */
  readonly todo: string
  /** What `retry` needs beside the choice of letters; null when retrying does not help. */
  readonly set: string | null
}

type Todo = Omit<CodeAdvice, 'means'>

const AS_IT_IS = ''

/** Codes for which the status alone would advise worse. */
const TODOS: ReadonlyMap<string, Todo> = new Map([
  ['CHAT_MODEL_NOT_FOUND', { todo: 'Retry it with a model that there is.', set: '--set body.model=MODEL' }],
  [
    'AUTH_FORBIDDEN',
    { todo: 'Use a key that is allowed to, or ask Conduit; then retry it as it is.', set: AS_IT_IS },
  ],
  ['NOT_FOUND', { todo: 'Check CONDUIT_BASE_URL, then retry it as it is.', set: AS_IT_IS }],
  ['redirect', { todo: 'Check CONDUIT_BASE_URL, then retry it as it is.', set: AS_IT_IS }],
  ['retries_exhausted', { todo: 'It may work now: retry it as it is.', set: AS_IT_IS }],
  ['throttled_too_long', { todo: 'Retry it as it is, when there is less to do.', set: AS_IT_IS }],
  [
    UNAFFORDABLE,
    {
      todo: 'Buy credits and retry it as it is, or ask for less (max_tokens, a shorter prompt).',
      set: AS_IT_IS,
    },
  ],
  [
    'worker_crashed',
    {
      todo: 'Find out what makes the workers crash (memory, above all); retry it alone, and as it is only when that is mended.',
      set: AS_IT_IS,
    },
  ],
  ['response_too_large', { todo: 'Ask for less, then retry it.', set: '--set body.max_tokens=1000' }],
  ['invalid_edit', { todo: 'Retry it without the edit, or with one that fits.', set: AS_IT_IS }],
])

const CORRECT: Todo = {
  todo: 'Correct the request: retry it with --set, or export it, mend its body, and import it.',
  set: '--set body.FIELD=VALUE',
}
const NO_REQUEST: Todo = {
  todo:
    'The line was never a request that can be sent: correct it in the input and run that again (only what is new ' +
    'is called), or export it, give it a body, and import it.',
  set: null,
}
const TRY_AGAIN: Todo = { todo: 'It may work now: retry it as it is.', set: AS_IT_IS }

const MEANINGS: ReadonlyMap<string, string> = new Map([
  ['retries_exhausted', 'the last attempt failed too'],
  [
    'throttled_too_long',
    "Conduit refused it with 429 for more than 24 hours, or its batch's completion window",
  ],
  [UNAFFORDABLE, 'the credits that were left did not cover it, while others were answered'],
  ['worker_crashed', 'it was in flight in five crashes of workers'],
  ['invalid_edit', 'the edit of a retry does not fit the request'],
])

/** What a code means and what to do about it, as docs/errors.md has it. `status` null: no answer began. */
export function codeAdvice(code: string, status: number | null): CodeAdvice {
  return { means: meaningOf(code, status), ...todoOf(code, status) }
}

function meaningOf(code: string, status: number | null): string | null {
  const own = MEANINGS.get(code) ?? OWN_CODES.find((each) => each.code === code)?.means
  if (own !== undefined) return own
  return status === null ? null : (ruleFor(status, code)?.means ?? null)
}

function todoOf(code: string, status: number | null): Todo {
  const own = TODOS.get(code)
  if (own !== undefined) return own
  if ((LINE_PROBLEM_CODES as readonly string[]).includes(code)) return NO_REQUEST
  const ruling = status === null ? undefined : ruleFor(status, code)?.ruling
  return ruling === undefined || ruling.kind === 'dead' ? CORRECT : TRY_AGAIN
}

/** The command that sends such letters again. `choice`: the options that choose them, as they are typed. */
export function retryCommand(choice: string, { set }: CodeAdvice): string {
  return suggested(
    `conduit-batch dead-letters retry ${choice}${set === null || set === AS_IT_IS ? '' : ` ${set}`}`,
  )
}
