import type { ReadRequest } from '../../batches/read-request.js'
import { INBOX_BATCH } from '../../completions/request.js'
import { codeAdvice, retryCommand } from './code-advice.js'
import type { QueueLetter } from './dead-letter-list.js'
import { formatCounted, formatDuration, formatMoment } from './format.js'
import { harmlessLines, oneLine } from './harmless.js'
import { type Canvas, labelled } from './layout.js'
import { wrap } from './wrap.js'

/** All that is known of one dead letter. */
export interface LetterView {
  readonly letter: QueueLetter
  readonly request: ReadRequest
  /** The file that its batch came from, as it was named; null when that is not known here. */
  readonly input: string | null
  /** Unix milliseconds. */
  readonly nowMs: number
}

/** What `dead-letters show` prints. */
export function renderLetter(view: LetterView, canvas: Canvas): string[] {
  const { letter } = view
  return [
    '',
    ...labelled('Dead letter', `${letter.id}, queue ${letter.queue}`, canvas, {
      labelTone: 'strong',
      tone: 'strong',
    }),
    ...labelled('From', originWords(view), canvas),
    ...cause(view, canvas),
    ...todo(view, canvas),
    '',
    ...requestLines(view, canvas),
    ...envelopeLines(view, canvas),
    ...pastLines(view, canvas),
  ]
}

function originWords({ letter, input }: LetterView): string {
  const { batch, line, customId } = letter
  const name = customId === null ? '' : `, custom_id ${oneLine(customId)}`
  if (batch === INBOX_BATCH) return `a program that enqueued it${name}`
  const place = line === null ? '' : `line ${line} of `
  return `${place}${input === null ? 'the input' : oneLine(input)}${name}, batch ${batch}`
}

function cause({ letter, nowMs }: LetterView, canvas: Canvas): string[] {
  const { code, failure, attempts, at } = letter
  const status = failure.status === null ? '' : ` (HTTP ${failure.status})`
  const calls = attempts === 0 ? 'never called' : `after ${formatCounted(attempts, 'call', 'calls')}`
  const { means } = codeAdvice(code, failure.status)
  return [
    ...labelled('Died of', `${oneLine(code)}${status}, ${calls}`, canvas, { tone: 'bad' }),
    ...labelled('', `${formatMoment(at, nowMs)}, ${formatDuration(nowMs - at)} ago`, canvas),
    ...labelled('Message', oneLine(failure.message), canvas),
    ...(failure.code === code ? [] : labelled('Last answer', oneLine(failure.code), canvas)),
    ...(means === null ? [] : labelled('It means', means.replaceAll('`', ''), canvas)),
    ...(failure.requestId === null
      ? []
      : labelled('Request id', `${oneLine(failure.requestId)} (what to quote to Conduit's support)`, canvas)),
    ...(failure.maybeBilled ? labelled('', 'It may have been billed.', canvas) : []),
  ]
}

function todo({ letter }: LetterView, canvas: Canvas): string[] {
  const advice = codeAdvice(letter.code, letter.failure.status)
  const command = retryCommand(letter.id, advice)
  return [
    ...labelled('To do', advice.todo, canvas),
    ...(advice.set === null ? [] : labelled('', command, canvas, { commands: [command] })),
  ]
}

function requestLines({ letter, request }: LetterView, canvas: Canvas): string[] {
  const edited = letter.edit === null ? '' : ' (as retries changed it)'
  if (request.kind === 'missing') {
    const model = letter.model === null ? '' : ` Its model: ${oneLine(letter.model)}.`
    return labelled(
      'Request',
      `It can't be shown: ${oneLine(request.reason).replace(/\.$/, '')}.${model}`,
      canvas,
    )
  }
  return [...block(`Request${edited}`, request.body, canvas), '']
}

function envelopeLines({ letter }: LetterView, canvas: Canvas): string[] {
  const { envelope } = letter.failure
  if (envelope !== null) return block('What Conduit answered', envelope, canvas)
  return letter.attempts === 0 ? [] : labelled('Answer', 'Conduit sent no error that can be shown.', canvas)
}

/** JSON, with nothing in it that a terminal would take for its own. */
function block(heading: string, value: unknown, { paint, columns }: Canvas): string[] {
  const lines = harmlessLines(JSON.stringify(value, null, 2)).flatMap((line) => {
    const indent = /^ */.exec(line)?.[0] ?? ''
    return wrap(line, columns - indent.length - 2).map((part) => `  ${indent}${part}`)
  })
  return [`  ${paint('faint', heading)}`, ...lines]
}

function pastLines({ letter, nowMs }: LetterView, canvas: Canvas): string[] {
  const attempts = letter.history.map(
    ({ at, status, code, message, requestId }) =>
      `${formatMoment(at, nowMs)}  ${statusWord(status)} ${oneLine(code)}: ${oneLine(message)}${idWord(requestId)}`,
  )
  const ends = letter.earlier.map(({ at, status, code, message, requestId, attempts: calls, edited }) => {
    const then =
      edited.length === 0 ? 'retried as it was' : `retried with another ${edited.map(oneLine).join(', ')}`
    return (
      `${formatMoment(at, nowMs)}  ${statusWord(status)} ${oneLine(code)}: ${oneLine(message)}${idWord(requestId)}; ` +
      `${formatCounted(calls, 'call', 'calls')}, then ${then}`
    )
  })
  return [...listed('Before that', attempts, canvas), ...listed('Earlier ends', ends, canvas)]
}

function listed(heading: string, texts: readonly string[], canvas: Canvas): string[] {
  if (texts.length === 0) return []
  return ['', ...texts.flatMap((text, index) => labelled(index === 0 ? heading : '', text, canvas))]
}

function statusWord(status: number | null): string {
  return status === null ? '–' : String(status)
}

function idWord(requestId: string | null): string {
  return requestId === null ? '' : ` (${oneLine(requestId)})`
}
