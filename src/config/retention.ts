import { durationMs } from './duration.js'
import type { FileSettings } from './file-schema.js'

/** How long what is finished is kept, and how much of it. */
export interface Retention {
  readonly batchesMs: number
  readonly inputsMs: number
  readonly deadLettersMs: number
  readonly incidentsMs: number
  readonly mostBatches: number
  readonly mostDeadLetters: number
}

const DAY_MS = 24 * 3600_000

const DEFAULT_RETENTION: Retention = {
  batchesMs: 30 * DAY_MS,
  inputsMs: 30 * DAY_MS,
  deadLettersMs: 90 * DAY_MS,
  incidentsMs: 90 * DAY_MS,
  mostBatches: 10_000,
  mostDeadLetters: 200_000,
}

/** What the file says, and the defaults where it says nothing. */
export function retentionOf({ retention = {} }: FileSettings): Retention {
  const time = (text: string | undefined, byDefault: number) =>
    text === undefined ? byDefault : (durationMs(text) ?? byDefault)
  return {
    batchesMs: time(retention.batches, DEFAULT_RETENTION.batchesMs),
    inputsMs: time(retention.inputs, DEFAULT_RETENTION.inputsMs),
    deadLettersMs: time(retention.deadLetters, DEFAULT_RETENTION.deadLettersMs),
    incidentsMs: time(retention.incidents, DEFAULT_RETENTION.incidentsMs),
    mostBatches: retention.mostBatches ?? DEFAULT_RETENTION.mostBatches,
    mostDeadLetters: retention.mostDeadLetters ?? DEFAULT_RETENTION.mostDeadLetters,
  }
}
