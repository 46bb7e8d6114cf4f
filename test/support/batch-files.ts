import { readFile } from 'node:fs/promises'
import { expect } from 'vitest'
import type { CliEnd } from './cli.js'

export const MODEL = 'gpt-4o-mini'

/** A line of a results or errors file, as OpenAI's batches write it. */
export interface OutputLine {
  readonly id: string
  readonly custom_id: string
  readonly response: {
    readonly status_code: number
    readonly request_id: string | null
    readonly body: {
      readonly model?: string
      readonly choices?: readonly { readonly message: { readonly content: string } }[]
      readonly error?: Readonly<Record<string, unknown>>
    }
  } | null
  readonly error: {
    readonly code: string
    readonly message: string
    readonly line: number
    readonly param?: string | null
  } | null
}

/** What `run --json` prints last. */
export interface Summary {
  readonly batch: string
  readonly status: string
  readonly total: number
  readonly completed: number
  readonly failed: number
  readonly retries: number
  readonly throttled: number
  readonly pauses: number
  readonly durationMs: number
  readonly output: string
  readonly errors: string | null
  readonly usage: Readonly<Record<string, number>>
}

/** Ids `p-1` … `p-count`. */
export function ids(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => `p-${from + index}`)
}

/** A request whose prompt is its id, so that its answer can be told from every other. */
export function request(id: string, text = '', more: object = {}): object {
  return { custom_id: id, model: MODEL, messages: [{ role: 'user', content: promptOf(id, text) }], ...more }
}

/** The prompt of such a request; `text` may hold a directive for the simulator. */
export function promptOf(id: string, text = ''): string {
  return `say ${id}${text === '' ? '' : ` ${text}`}`
}

/** A file of requests. */
export function jsonLines(requests: readonly object[]): string {
  return requests.map((one) => `${JSON.stringify(one)}\n`).join('')
}

/** A file of `count` requests that can be answered. */
export function requests(count: number): string {
  return jsonLines(ids(count).map((id) => request(id)))
}

/** The lines of a file of ours; every one must be whole JSON, also the last. */
export async function readOutput(path: string): Promise<OutputLine[]> {
  const text = await readFile(path, 'utf8')
  expect(text, `${path} ends with a whole line`).toMatch(/(^|\n)$/)
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as OutputLine]))
}

/** How many whole lines a file has that may be growing; 0 while it is not there. */
export async function linesIn(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text.split('\n').length - 1
}

/** The custom ids of lines, sorted. */
export function idsOf(lines: readonly OutputLine[]): string[] {
  return lines.map(({ custom_id }) => custom_id).sort()
}

/** The text of an answer. */
export function contentOf({ response }: OutputLine): string {
  return response?.body.choices?.[0]?.message.content ?? ''
}

/** Checks that a results file answers each of these ids once, with the answer to its own prompt, and nothing else. */
export async function expectAnswers(path: string, expected: readonly string[]): Promise<OutputLine[]> {
  const lines = await readOutput(path)
  expect(idsOf(lines)).toEqual([...expected].sort())
  const wrong = lines.filter((line) => !` ${contentOf(line)} `.includes(` to: say ${line.custom_id} `))
  expect(wrong, 'answers to another prompt').toEqual([])
  return lines
}

/** The object that `--json` printed as the last line of stdout. */
export function summaryOf({ stdout, stderr }: CliEnd): Summary {
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(last) as Summary
  } catch {
    throw new Error(`no JSON on the last line of stdout: ${stdout}\nstderr:\n${stderr}`)
  }
}
