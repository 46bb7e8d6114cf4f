import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letter.js'
import { endingOfLine } from '../completions/ending-of-line.js'
import { placeOfLine } from '../completions/output-line.js'
import { recordFromDisk } from '../completions/record.js'
import type { QueueKeys } from '../redis/keys.js'
import type { BatchStore } from './batch-store.js'
import type { BatchPaths } from './data-directory.js'
import { showPartial } from './publish.js'
import { openResultFile, type ResultFile } from './result-file.js'

export interface CollectorDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly store: BatchStore
  readonly directoryId: string
  readonly leaseToken: () => string
  /** Adds dead letters to their queue under ids of their own, so that adding twice adds once. */
  readonly bury: (letters: readonly DeadLetter[]) => Promise<void>
}

export interface CollectorTarget {
  readonly batch: string
  readonly paths: BatchPaths
  /** Final names. */
  readonly output: string
  readonly errors: string
}

/** Drains the result stream of one batch into its two files. */
export interface Collector {
  /** Takes up to one portion; gives how many lines were written. @throws LeaseLost */
  collect(): Promise<number>
  close(): Promise<void>
}

const PORTION = 500

interface Entry {
  readonly id: string
  readonly key: string
  readonly kind: string
  readonly line: string
  readonly letter: DeadLetter | null
}

/**
 * Opens the files of a batch and makes up for a crash: whole lines behind the checkpoint were paid for and are
 * kept (and recorded where Redis does not know them), a torn line is cut.
 *
 * @throws ResultFileDamaged, LeaseLost
 */
export async function openCollector(target: CollectorTarget, deps: CollectorDeps): Promise<Collector> {
  const { batch, paths } = target
  const marks = await deps.store.marks(batch)
  const results = await openResultFile(paths.results, marks?.resultsBytes ?? 0)
  const errors = await openResultFile(paths.errors, marks?.errorsBytes ?? 0)
  let collected = marks?.collected ?? 0

  const checkpoint = (collectedTo?: string): Promise<void> => {
    const sizes = { resultsBytes: results.bytes, errorsBytes: errors.bytes, collected }
    return deps.store.advance(batch, deps.directoryId, deps.leaseToken(), sizes, collectedTo)
  }

  /** Lines on disk whose entry may still be in the stream. */
  const onDisk = new Set<string>()
  const files: [ResultFile, number][] = [
    [results, marks?.resultsBytes ?? 0],
    [errors, marks?.errorsBytes ?? 0],
  ]
  for (const [file, from] of files) {
    for await (const line of file.linesBehind(from)) {
      const place = placeOfLine(line)
      if (place === null || place.batch !== batch) continue
      const recorded = await recordFromDisk(deps.redis, deps.keys, place, endingOfLine(line))
      if (recorded === 'already') onDisk.add(`${place.index}.${place.generation}`)
      collected++
    }
    await file.sync()
  }
  await checkpoint()
  await showPartial(paths.results, target.output)
  if (errors.bytes > 0) await showPartial(paths.errors, target.errors)

  return {
    async collect() {
      const entries = await readPortion(deps.redis, deps.keys.stream(batch))
      const last = entries.at(-1)
      if (last === undefined) return 0
      const fresh = entries.filter((entry) => !onDisk.has(entry.key))
      const lines = (kind: string) => fresh.filter((entry) => entry.kind === kind).map((entry) => entry.line)
      const firstErrors = errors.bytes === 0
      await results.append(lines('completed'))
      await errors.append(lines('dead'))
      await Promise.all([results.sync(), errors.sync()])
      await deps.bury(entries.flatMap(({ letter }) => (letter === null ? [] : [letter])))
      collected += fresh.length
      await checkpoint(last.id)
      for (const { key } of entries) onDisk.delete(key)
      if (firstErrors && errors.bytes > 0) await showPartial(paths.errors, target.errors)
      return fresh.length
    },
    async close() {
      await Promise.all([results.close(), errors.close()])
    },
  }
}

async function readPortion(redis: Redis, stream: string): Promise<Entry[]> {
  const raw = await redis.xrange(stream, '-', '+', 'COUNT', PORTION)
  return raw.map(([id, pairs]) => {
    const fields = new Map<string, string>()
    for (let i = 0; i < pairs.length; i += 2) fields.set(pairs[i] as string, pairs[i + 1] as string)
    const letter = fields.get('d') ?? ''
    return {
      id,
      key: `${fields.get('i')}.${fields.get('g')}`,
      kind: fields.get('k') ?? '',
      line: fields.get('l') ?? '',
      letter: letter === '' ? null : (JSON.parse(letter) as DeadLetter),
    }
  })
}
