import type { Gate } from '../admission/gate.js'
import type { Permits } from '../admission/permits.js'
import type { ApiKey } from '../conduit/api-key.js'
import type { ConduitClient } from '../conduit/client.js'
import type { Outcome } from '../conduit/outcome.js'
import type { Ending, Recorded, Verdict } from './record.js'
import type { BatchOptions, CompletionRequest, RequestPlace } from './request.js'
import type { Suspects } from './suspects/suspects.js'
import type { WaitingBatches } from './waiting-batches.js'

/** What a batch counts besides its endings. */
export type Counter = 'retries' | 'throttled' | 'maybeBilled'

/** What the handling of a request needs of the world. */
export interface HandleDeps {
  readonly verdict: (place: RequestPlace) => Promise<Verdict>
  readonly record: (place: RequestPlace, ending: Ending) => Promise<Recorded>
  readonly options: (batch: string) => Promise<BatchOptions>
  /** Adds one to a counter of the batch. */
  readonly count: (batch: string, counter: Counter) => Promise<void>
  readonly permits: Permits
  readonly waiting: WaitingBatches
  readonly gate: Gate
  readonly suspects: Suspects
  readonly conduit: ConduitClient
  /** The key for calls of a gate epoch: read again when the epoch is a new one. */
  readonly apiKey: (epoch: number) => Promise<ApiKey>
  /** Makes BullMQ's pause follow the gate; awaited before a job goes back to its place. */
  readonly mirrorGate: () => Promise<void>
  readonly workerName: string
  /** Told that an answer could not be recorded, and that it is tried again. */
  readonly onRecordFailed: (error: unknown) => void
  readonly now: () => number
  readonly random: () => number
  readonly onOutcome: (request: CompletionRequest, outcome: Outcome, recorded: Recorded | null) => void
}
