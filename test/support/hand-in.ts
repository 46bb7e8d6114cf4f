import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDataDirectory } from '../../src/batches/data-directory.js'
import { readBatchSnapshot } from '../../src/batches/read-snapshot.js'
import type { Session } from '../../src/batches/session.js'
import type { BatchSnapshot } from '../../src/batches/snapshot.js'
import { submit } from '../../src/batches/submit.js'
import type { BatchOptions } from '../../src/completions/request.js'
import { QUICK_OPTIONS, testSession } from './batches.js'

export interface HandIn {
  /** Where the input is written, and the answers go. */
  readonly directory: string
  readonly dataDir: string
  readonly keyPrefix: string
  readonly queue?: string
  /** Of its files, without an ending; the queue's when not given. */
  readonly name?: string
  /** Lines of the input. */
  readonly input: string
  readonly options?: Partial<BatchOptions>
}

/** A batch that was handed in: known to its queue, and nobody works on it yet. */
export interface HandedIn {
  readonly id: string
  readonly session: Session
  readonly results: string
  snapshot(): Promise<BatchSnapshot>
}

/** Hands in a batch and leaves it to whoever works for its queue. */
export async function handIn({ queue = 'default', name = queue, ...given }: HandIn): Promise<HandedIn> {
  const session = await testSession(given.keyPrefix, queue)
  const path = (ending: string) => join(given.directory, `${name}.${ending}`)
  await writeFile(path('jsonl'), given.input)
  const directory = await openDataDirectory(given.dataDir)
  const { manifest } = await submit(directory, {
    input: path('jsonl'),
    stdin: (async function* () {})(),
    output: path('results.jsonl'),
    errors: path('errors.jsonl'),
    queue,
    name: null,
    model: null,
    options: { ...QUICK_OPTIONS, ...given.options },
    strict: false,
    fresh: false,
  })
  await session.store.register(manifest, directory.id)
  return {
    id: manifest.batch,
    session,
    results: manifest.output,
    async snapshot() {
      const seen = await readBatchSnapshot(session, manifest.batch)
      if (seen === null) throw new Error(`Redis does not know batch ${manifest.batch}`)
      return seen
    },
  }
}
