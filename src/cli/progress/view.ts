import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'

/** All that the progress of one batch is drawn from. Times are Unix milliseconds. */
export interface ProgressView {
  readonly batch: BatchSnapshot
  readonly queue: QueueSnapshot
  readonly nowMs: number
  /** When this process began to work on the batch, or to watch it. */
  readonly startedAtMs: number
  /** Answers and failures per second lately; null while there is too little to tell. */
  readonly ratePerSecond: number | null
  /** Estimated time to the end; null when it can't be told. */
  readonly leftMs: number | null
  /** `reconnecting`: Redis does not answer, so the figures are the last known ones. */
  readonly connection: 'ok' | 'reconnecting'
  /** Ctrl-C was pressed: the calls in flight finish, no new one starts. */
  readonly closing: boolean
  /** Another process does the work; this one only shows it. */
  readonly attached: boolean
}
