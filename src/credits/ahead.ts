import type { Totals } from './sightings.js'

/** What is known of a batch: its counters, what its answers took, and its size. */
export interface BatchProgress {
  readonly total: number
  /** Requests handed to BullMQ so far, rejected lines included. */
  readonly fed: number
  /** Characters of their prompts, and bytes of their lines; 0: nobody counted. */
  readonly fedChars: number
  readonly fedBytes: number
  readonly completed: number
  readonly failed: number
  /** Of answers that came to calls; what was found on disk is not among them. */
  readonly used: Totals
  /** Bytes of the whole input; null: it has none. */
  readonly bytes: number | null
}

/** Requests that have not ended, and the characters of their prompts; null: nobody knows. */
export interface Open {
  readonly requests: number
  readonly chars: number | null
}

/** A line is so much longer than its prompt, at most: names, braces, a custom_id. */
const MOST_OVERHEAD_BYTES = 250

/**
 * How much of a batch is still to be answered. Characters were counted as far as it was fed; beyond, they are told from
 * the bytes that are left of its input.
 */
export function openOf(batch: BatchProgress): Open {
  const { total, fed, completed, failed, fedChars } = batch
  const requests = Math.max(0, total - completed - failed)
  if (requests === 0 || fed === 0 || fedChars === 0) return { requests, chars: null }
  const unfed = Math.min(requests, Math.max(0, total - fed))
  return { requests, chars: fedCharsLeft(batch, requests - unfed) + unfedChars(batch, unfed) }
}

/** Of requests that were fed and have not ended. */
function fedCharsLeft({ fed, fedChars, completed, failed, used }: BatchProgress, open: number): number {
  const mean = fedChars / fed
  // Where some answers were found on disk, nobody knows how long their prompts were.
  const left = used.answers === completed ? fedChars - used.chars - failed * mean : open * mean
  return open === 0 ? 0 : Math.max(0, left)
}

function unfedChars({ fed, fedChars, fedBytes, bytes }: BatchProgress, unfed: number): number {
  if (unfed === 0) return 0
  const overhead = Math.min(MOST_OVERHEAD_BYTES, Math.max(0, (fedBytes - fedChars) / fed))
  const textBytes = fedBytes - fed * overhead
  if (bytes === null || textBytes <= 0) return (unfed * fedChars) / fed
  return (Math.max(0, bytes - fedBytes - unfed * overhead) * fedChars) / textBytes
}
