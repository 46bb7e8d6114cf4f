import { join } from 'node:path'
import type { DataDirectory } from '../../src/batches/data-directory.js'
import { type Submitted, submit } from '../../src/batches/submit.js'

const OPTIONS = {
  priority: 'normal' as const,
  concurrency: 10,
  maxAttempts: 8,
  timeoutMs: 60_000,
  backoffBaseMs: 1000,
  backoffCapMs: 60_000,
}

/** Makes a batch of a file, as `run` does before its first call; its output is to be in `directory`. */
export function stageFile(input: string, directory: string, data: DataDirectory): Promise<Submitted> {
  return submit(data, {
    input,
    stdin: (async function* () {})(),
    output: join(directory, 'results.jsonl'),
    errors: join(directory, 'errors.jsonl'),
    queue: 'default',
    name: null,
    model: null,
    options: OPTIONS,
    strict: false,
    fresh: false,
  })
}
