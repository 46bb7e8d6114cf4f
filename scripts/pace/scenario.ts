import type { Figure } from './figure.js'
import type { Place } from './place.js'

/** What can be set for a whole bench. */
export interface PaceOptions {
  /** Windows are so many times shorter than a minute; 1: the real clock. */
  readonly clock: number
}

/** Something that the pace has to stand, and what is measured of it. */
export interface Scenario {
  readonly name: string
  /** For the table: what it is, in one line. */
  readonly about: string
  /** Groups that name it on the command line, besides `all`. */
  readonly groups: readonly string[]
  /** Whether it needs the machine to itself: so much of its figures depends on the CPU. */
  readonly alone: boolean
  /** A run that takes longer is killed, and has failed. */
  readonly timeLimitMs: (options: PaceOptions) => number
  readonly run: (place: Place, options: PaceOptions) => Promise<readonly Figure[]>
}
