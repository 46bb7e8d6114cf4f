import type { DataDirectory } from '../data-directory.js'
import { openChunks } from '../input/chunks.js'
import { notingRequests, readRequestIndex } from '../input/request-index.js'
import type { InputSource } from '../input/source.js'
import type { Manifest } from '../manifest.js'
import { type Heir, inherit } from './inherit.js'
import { legacyOf, type RestingBatch } from './legacy.js'
import { createRequestTable, type RequestTable } from './unchanged.js'

/**
 * Notes all requests of a staged input, as the feeder does with what it feeds, and gives a table of them.
 * @throws InputChanged when the source was edited since it was staged
 */
export async function readRequests(
  staging: string,
  source: InputSource,
  model: string | null,
): Promise<RequestTable> {
  const chunks = await notingRequests(
    await openChunks({ directory: staging, sourcePath: source.path, model }),
    staging,
  )
  try {
    for (let next = await chunks.read({ at: 0 }); next !== null; next = await chunks.read(next.next));
  } finally {
    await chunks.close()
  }
  return createRequestTable((await readRequestIndex(staging)) ?? new Uint32Array())
}

/**
 * Takes over what batches at rest leave. Nothing of theirs is changed.
 * @param resting newest first
 * @throws ResultFileDamaged
 */
export async function takeOver(
  heir: Heir,
  resting: readonly RestingBatch[],
  directory: DataDirectory,
): Promise<Manifest['inherits']> {
  const legacies = await Promise.all(resting.map((batch) => legacyOf(directory, batch)))
  const inherited = await inherit(
    heir,
    legacies.filter((legacy) => legacy !== null),
  )
  const [newest] = resting
  return newest === undefined ? null : { batch: newest.batch, ...inherited }
}
