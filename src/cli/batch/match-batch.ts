import type { KnownBatch } from '../../batches/known-batches.js'

/** What a word on the command line names. */
export type Match =
  | { readonly kind: 'one'; readonly batch: KnownBatch }
  | { readonly kind: 'none' }
  | { readonly kind: 'several'; readonly batches: readonly KnownBatch[] }

/** Shorter ones say too little: every id begins with `b`. */
export const SHORTEST_PREFIX = 3

/**
 * Which batch a word names: an id before a name, a name before the beginning of an id. A batch that was replaced has
 * left its name to the one that replaced it.
 */
export function matchBatch(wanted: string, known: readonly KnownBatch[]): Match {
  const isPrefix = wanted.length >= SHORTEST_PREFIX
  const replaced = new Set(known.map(({ manifest }) => manifest.replaces?.batch))
  const ways: ((batch: KnownBatch) => boolean)[] = [
    ({ manifest }) => manifest.batch === wanted,
    ({ manifest }) => manifest.name === wanted && !replaced.has(manifest.batch),
    ({ manifest }) => isPrefix && manifest.batch.startsWith(wanted),
  ]
  for (const way of ways) {
    const [batch, ...others] = known.filter(way)
    if (batch === undefined) continue
    return others.length === 0 ? { kind: 'one', batch } : { kind: 'several', batches: [batch, ...others] }
  }
  return { kind: 'none' }
}
