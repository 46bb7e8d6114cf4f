import { describeJsonFault } from './json-fault.js'
import type { LineProblemCode, ParsedLine } from './line-problem.js'

const URL = '/v1/chat/completions'
const MAX_CUSTOM_ID_LENGTH = 512
const LONE_SURROGATE = /\p{Surrogate}/u
/** JSON.parse takes any depth, JSON.stringify a few thousand levels: what can't be written again can't be sent. */
export const MAX_DEPTH = 1000

type JsonObject = Record<string, unknown>

interface Fault {
  readonly code: LineProblemCode
  readonly message: string
  readonly param: string | null
}

type Body = { readonly ok: true; readonly body: JsonObject } | { readonly ok: false; readonly fault: Fault }

/**
 * Reads one line of input: an OpenAI batch line (`custom_id, method, url, body`), a bare chat body
 * (`custom_id?, model, messages, …`) or a prompt (`custom_id?, prompt, …`). `model` fills in where the line names
 * none; a missing custom_id becomes `line-N`. Only what can't be sent is refused: values are for Conduit to judge.
 * Whatever else the body holds goes through untouched. Never throws.
 */
export function parseRequestLine(
  text: string,
  { line, model }: { readonly line: number; readonly model: string | null },
): ParsedLine {
  const rejected = (customId: string | null, fault: Fault): ParsedLine => ({
    ok: false,
    customId,
    problem: { ...fault, line },
  })

  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return rejected(null, fault('invalid_json_line', describeJsonFault(text, error), null))
  }
  if (!isObject(value)) {
    return rejected(null, fault('invalid_request', `The line is ${kindOf(value)}, not a JSON object.`, null))
  }
  const badId = customIdFault(value.custom_id)
  if (badId !== null) return rejected(null, badId)
  const customId = typeof value.custom_id === 'string' ? value.custom_id : `line-${line}`

  const found = readBody(value, model)
  if (!found.ok) return rejected(customId, found.fault)
  if (text.length > 2 * MAX_DEPTH && deeperThan(found.body, MAX_DEPTH)) {
    return rejected(customId, invalid(`The request is nested more than ${MAX_DEPTH} levels deep.`, null))
  }
  return { ok: true, customId, body: found.body }
}

function customIdFault(customId: unknown): Fault | null {
  const bad = (message: string) => fault('invalid_custom_id', message, 'custom_id')
  if (customId === undefined || customId === null) return null
  if (typeof customId !== 'string') return bad(`custom_id is ${kindOf(customId)}; write it as a string.`)
  if (customId === '')
    return bad('custom_id is empty; give the line an id of its own, or leave the field out.')
  if (customId.length > MAX_CUSTOM_ID_LENGTH) {
    return bad(`custom_id has ${customId.length} characters; at most ${MAX_CUSTOM_ID_LENGTH} are allowed.`)
  }
  if (LONE_SURROGATE.test(customId))
    return bad('custom_id holds half a surrogate pair, which is no character.')
  return null
}

function readBody(value: JsonObject, model: string | null): Body {
  if (Object.hasOwn(value, 'body')) return readBatchLine(value, model)
  if (Object.hasOwn(value, 'messages')) {
    const { custom_id: _, ...body } = value
    return sendable(body, '', model)
  }
  if (Object.hasOwn(value, 'prompt')) return readPrompt(value, model)
  if (Object.hasOwn(value, 'url') || Object.hasOwn(value, 'method')) return readBatchLine(value, model)
  return refused(
    invalid(
      'There are no messages: a line needs "messages", a "prompt", or a "body" with messages.',
      'messages',
    ),
  )
}

function readBatchLine(value: JsonObject, model: string | null): Body {
  if (value.method !== 'POST' && !isMissing(value.method)) {
    return refused(fault('method_mismatch', 'method must be "POST".', 'method'))
  }
  if (value.url !== URL && !isMissing(value.url)) {
    return refused(fault('url_mismatch', `url must be "${URL}": only chat completions can be sent.`, 'url'))
  }
  if (isMissing(value.body)) return refused(invalid('body is missing: it holds the request.', 'body'))
  if (!isObject(value.body)) {
    return refused(invalid(`body is ${kindOf(value.body)}; it must be a JSON object.`, 'body'))
  }
  return sendable(value.body, 'body.', model)
}

function readPrompt(value: JsonObject, model: string | null): Body {
  const { custom_id: _, prompt, ...rest } = value
  if (typeof prompt !== 'string') {
    return refused(invalid(`prompt is ${kindOf(prompt)}; it must be a string.`, 'prompt'))
  }
  return sendable({ ...rest, messages: [{ role: 'user', content: prompt }] }, '', model)
}

/** The body as it is, with the model filled in where it has none. */
function sendable(body: JsonObject, prefix: string, model: string | null): Body {
  if (body.stream === true) {
    const message = 'stream: true is not supported in a batch: remove it, the answer comes whole.'
    return refused(fault('stream_not_supported', message, `${prefix}stream`))
  }
  const badMessages = messagesFault(body.messages, `${prefix}messages`)
  if (badMessages !== null) return refused(badMessages)
  if (!isMissing(body.model)) {
    if (typeof body.model === 'string' && body.model !== '') return { ok: true, body }
    return refused(invalid('model must be a string that is not empty.', `${prefix}model`))
  }
  if (model !== null) return { ok: true, body: { ...body, model } }
  const message = 'There is no model: add "model" to the line, or name one for all lines with --model.'
  return refused(fault('missing_model', message, `${prefix}model`))
}

function messagesFault(messages: unknown, param: string): Fault | null {
  if (isMissing(messages))
    return invalid(`${param} is missing: it holds the conversation, as an array.`, param)
  if (!Array.isArray(messages)) return invalid(`${param} is ${kindOf(messages)}; it must be an array.`, param)
  if (messages.length === 0) return invalid(`${param} is empty; it needs at least one message.`, param)
  for (const [at, message] of messages.entries()) {
    const place = `${param}[${at}]`
    if (!isObject(message)) return invalid(`${place} is ${kindOf(message)}; it must be a JSON object.`, place)
    if (typeof message.role !== 'string') {
      return invalid(`${place}.role must be a string, such as "user".`, `${place}.role`)
    }
  }
  return null
}

/** Whether a value is nested deeper than so many levels. */
export function deeperThan(value: object, levels: number): boolean {
  if (levels === 0) return true
  for (const key in value) {
    const inner: unknown = (value as JsonObject)[key]
    if (typeof inner === 'object' && inner !== null && deeperThan(inner, levels - 1)) return true
  }
  return false
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A JSON null says "none" as much as no field does: serialisers write it for absent values. */
function isMissing(value: unknown): boolean {
  return value === undefined || value === null
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function fault(code: LineProblemCode, message: string, param: string | null): Fault {
  return { code, message, param }
}

function invalid(message: string, param: string | null): Fault {
  return fault('invalid_request', message, param)
}

function refused(fault: Fault): Body {
  return { ok: false, fault }
}
