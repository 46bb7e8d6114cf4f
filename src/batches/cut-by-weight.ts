import type { ChunkReader, ChunkSize } from './input/chunks.js'

/** A body may weigh 16 MiB: a portion of requests ends with the one that reaches this. */
export const PORTION_BYTES = 1024 * 1024

/**
 * Cuts requests that lie anywhere in the input into portions that weigh about `PORTION_BYTES` at most, each taken for
 * as heavy as its neighbours in the input, so that nothing of it is read for that.
 * @param places in the order of their indexes
 */
export async function* cutByWeight<T extends { readonly index: number }>(
  places: readonly T[],
  chunks: ChunkReader,
): AsyncGenerator<{ readonly places: readonly T[]; readonly bytes: number }, void, undefined> {
  let size: ChunkSize | null = null
  let portion: T[] = []
  let bytes = 0
  for (const place of places) {
    if (size === null || place.index >= size.first + size.count) size = await chunks.sizeAt(place.index)
    portion.push(place)
    bytes += size === null ? 0 : size.bytes / size.count
    if (bytes < PORTION_BYTES) continue
    yield { places: portion, bytes }
    portion = []
    bytes = 0
  }
  if (portion.length > 0) yield { places: portion, bytes }
}
