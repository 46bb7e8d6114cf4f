import { type ChatBody, textsOf } from './chat-body.js'

/** An answer that was made up, and how many tokens it is said to have cost. */
export interface Completion {
  readonly content: string
  readonly finishReason: 'stop' | 'length'
  readonly promptTokens: number
  readonly completionTokens: number
}

const ECHOED_WORDS = 12
const CHARACTERS_A_TOKEN = 4
const TOKENS_A_MESSAGE = 4
/** Enough of a prompt to find its first words in, however long it is. */
const READ_CHARACTERS = 1_000

/** A short answer that is always the same for the same prompt, and differs between prompts. */
export function completePrompt(body: ChatBody, key: string): Completion {
  const { all, last } = textsOf(body)
  const words = last.slice(0, READ_CHARACTERS).split(/\s+/).filter(Boolean).slice(0, ECHOED_WORDS)
  const whole = `Simulated answer ${key.slice(0, 8)} to: ${words.join(' ')}`
  const content = body.max_tokens ? whole.slice(0, body.max_tokens * CHARACTERS_A_TOKEN) : whole
  return {
    content,
    finishReason: content.length < whole.length ? 'length' : 'stop',
    promptTokens: Math.ceil(all.length / CHARACTERS_A_TOKEN) + body.messages.length * TOKENS_A_MESSAGE,
    completionTokens: Math.ceil(content.length / CHARACTERS_A_TOKEN),
  }
}

/** The answer's body (Conduit: Chat Completions). */
export function completionJson(completion: Completion, model: string, id: string, nowMs: number): string {
  const { content, finishReason, promptTokens, completionTokens } = completion
  return JSON.stringify({
    id: `chatcmpl-${id}`,
    object: 'chat.completion',
    created: Math.floor(nowMs / 1000),
    model,
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finishReason }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  })
}
