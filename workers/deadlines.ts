/** How long a process that was told to stop takes at most. */
export interface Deadlines {
  /** Calls in flight may finish for so long; what is left then is aborted and goes back to its place. */
  readonly finishMs: number
  /** Putting everything away may take this much longer; it takes for ever when Redis does not answer. */
  readonly putAwayMs: number
}

export const DEADLINES: Deadlines = { finishMs: 30_000, putAwayMs: 15_000 }
