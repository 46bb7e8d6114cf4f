import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { readmePrompts } from './demo-prompts.js'

const MAX_TOKENS = 100
const LINES_BETWEEN_INVALID = 20

/** A file for `conduit-batch run`. */
export interface DemoInput {
  readonly path: string
  readonly total: number
}

/** Lines that Conduit refuses, and one that can't even be sent: each ends as a dead letter, called once at most. */
function invalidRequests(model: string): object[] {
  return [
    { custom_id: 'unknown-model', model: 'no-such-model', messages: [{ role: 'user', content: 'Hello?' }] },
    { custom_id: 'too-hot', model, messages: [{ role: 'user', content: 'Be creative.' }], temperature: 9 },
    { custom_id: 'no-messages', model },
  ]
}

/** How many of the requests never get an answer. */
export const INVALID_REQUESTS = invalidRequests('').length

/** Makes the input of the README files in node_modules, unless it is there: the same file is the same batch. */
export async function prepareInput(path: string, model: string): Promise<DemoInput> {
  if (!existsSync(path)) await writeInput(path, await demoRequests(model))
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  return { path, total: lines.length }
}

async function demoRequests(model: string): Promise<object[]> {
  const requests: object[] = (await readmePrompts(resolve('node_modules'))).map(({ name, prompt }) => ({
    custom_id: name,
    model,
    messages: [{ role: 'user', content: prompt }],
    max_tokens: MAX_TOKENS,
  }))
  for (const [i, invalid] of invalidRequests(model).entries()) {
    requests.splice((i + 1) * LINES_BETWEEN_INVALID, 0, invalid)
  }
  return requests
}

/** Whole or not at all: half an input would be taken for the input the next time. */
async function writeInput(path: string, requests: readonly object[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.partial`, requests.map((request) => `${JSON.stringify(request)}\n`).join(''))
  await rename(`${path}.partial`, path)
}
