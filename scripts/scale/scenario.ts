import type { Figure } from '../pace/figure.js'

/** What can be set for a whole bench. */
export interface ScaleOptions {
  /** Sizes of batches, smallest first; figures of the others are compared with the first one's. */
  readonly requests: readonly number[]
  /** Size of the file that is validated. */
  readonly bytes: number
  /** Answers that are collected. */
  readonly answers: number
  /** Runs of what takes seconds; the median counts. */
  readonly runs: number
  /** Aborted by Ctrl-C: whatever runs is ended, and what was measured so far is told. */
  readonly signal: AbortSignal
  /** For whoever watches. */
  readonly say: (line: string) => void
}

/** Something whose size must not matter, and what is measured of it. */
export interface ScaleScenario {
  readonly name: string
  /** For the table: what it is, in one line. */
  readonly about: string
  /** Gives its figures to `found` as soon as there are any, so that those before a failure are kept. */
  readonly run: (options: ScaleOptions, found: (figures: readonly Figure[]) => void) => Promise<void>
}
