import { hash } from 'node:crypto'
import { z } from 'zod'
import type { FieldMessages } from './envelope.js'
import { fieldMessages } from './options.js'

const textPart = z.looseObject({ type: z.string(), text: z.string().optional() })

const between = (from: number, to: number) => {
  const error = `must be a number between ${from} and ${to}`
  return z.number(error).min(from, error).max(to, error).nullish()
}

/** The documented fields (Conduit: Chat Completions); any other passes. */
const chatBodySchema = z.looseObject({
  model: z.string('is required').min(1, 'is required'),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'user', 'assistant'], 'must be system, user or assistant'),
        content: z.union([z.string(), z.array(textPart).min(1)], 'must be text'),
      }),
      'is required',
    )
    .min(1, 'must hold at least one message'),
  max_tokens: z.int('must be a whole number').positive('must be positive').nullish(),
  temperature: between(0, 2),
  top_p: between(0, 1),
  stream: z.literal(false, 'streaming is not simulated').nullish(),
})

export type ChatBody = z.output<typeof chatBodySchema>

export type ReadBody =
  | { readonly kind: 'valid'; readonly body: ChatBody }
  | { readonly kind: 'invalid'; readonly fields: FieldMessages }
  | { readonly kind: 'not_json' }

/** Request text as a value; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A parsed body (undefined: it was not JSON), validated. */
export function readChatBody(parsed: unknown): ReadBody {
  if (parsed === undefined) return { kind: 'not_json' }
  const checked = chatBodySchema.safeParse(parsed)
  if (checked.success) return { kind: 'valid', body: checked.data }
  return { kind: 'invalid', fields: fieldMessages(checked.error) }
}

/** The name under which a prompt is counted: sha256, in hex, of the JSON of its messages. */
export function promptKey(messages: unknown): string {
  return hash('sha256', JSON.stringify(messages))
}

/** The prompt of a request, whatever it is: one without messages is known by its whole text. */
export function promptKeyOfRequest(parsed: unknown, text: string): string {
  const isObject = typeof parsed === 'object' && parsed !== null
  const messages = isObject && 'messages' in parsed ? parsed.messages : undefined
  return messages === undefined ? hash('sha256', text) : promptKey(messages)
}

/** All the text of the messages, and of the last one alone. */
export function textsOf(body: ChatBody): { readonly all: string; readonly last: string } {
  const texts = body.messages.map(({ content }) =>
    typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(' '),
  )
  return { all: texts.join('\n'), last: texts.at(-1) ?? '' }
}
