import type { Logger } from 'pino'
import { createSuspicionGate } from '../src/admission/suspicion.js'
import type { BatchStore } from '../src/batches/batch-store.js'
import type { Session } from '../src/batches/session.js'
import type { HandleDeps } from '../src/completions/handle-deps.js'
import type { KeyHolder } from '../src/completions/key-holder.js'
import {
  askVerdicts,
  type PlacedEnding,
  type Run,
  recordAll,
  type Verdict,
} from '../src/completions/record.js'
import { type BatchOptions, jobId } from '../src/completions/request.js'
import { type BalanceLook, NO_BALANCE } from '../src/completions/suspects/balance.js'
import { createSuspects } from '../src/completions/suspects/suspects.js'
import { together } from '../src/completions/together.js'
import { createWaitingBatches } from '../src/completions/waiting-batches.js'
import type { ConduitClient } from '../src/conduit/client.js'
import { isUnwritable } from '../src/redis/unwritable.js'
import type { Admission } from './admission.js'

export interface HandleDepsOptions {
  readonly session: Session
  readonly admission: Admission
  readonly conduit: ConduitClient
  readonly keyHolder: KeyHolder
  /** Asked before a 402 stops the queue; without it another request has to tell. */
  readonly balance?: BalanceLook
  readonly workerName: string
  readonly log: Logger
  /** Told of trouble in a sentence. */
  readonly onTrouble: (text: string) => void
}

/** What the handling of requests needs; each brings the token of its job. */
export interface WorkerDeps extends Omit<HandleDeps, 'verdict'> {
  readonly verdict: (run: Run) => Promise<Verdict>
}

/** Ties the handling of a request to Redis, Conduit, the clock and the log. */
export function createHandleDeps(options: HandleDepsOptions): WorkerDeps {
  const { session, admission, conduit, keyHolder, workerName, log, onTrouble } = options
  const { redis, keys, gate, store } = session
  const verdict = together(
    ({ batch }: Run) => batch,
    (batch, runs) => askVerdicts(redis, keys, batch, runs),
  )
  const recordEnding = together(
    ({ place }: PlacedEnding) => place.batch,
    (batch, endings) => recordAll(redis, keys, batch, endings),
    lengthOf,
  )
  return {
    verdict,
    record: (place, ending) => recordEnding({ place, ending }),
    options: rememberOptions(store),
    count: store.count,
    permits: admission.permits,
    waiting: createWaitingBatches(() => performance.now(), Math.random),
    mirrorGate: admission.mirrorGate,
    gate,
    suspects: createSuspects({
      gate: createSuspicionGate(redis, keys, session.queue),
      balance: options.balance ?? NO_BALANCE,
      now: Date.now,
      random: Math.random,
      recall: (fromSize) => admission.permits.recall(fromSize),
      onEvent: (event, request, epoch) =>
        log.info({ batchId: request.batch, jobId: jobId(request), epoch }, `credits.${event}`),
    }),
    conduit,
    apiKey: keyHolder.forEpoch,
    workerName,
    now: Date.now,
    random: Math.random,
    onOutcome: logOutcome(log),
    onRecordFailed(error) {
      const { message } = error as Error
      log.error({ err: message }, 'completion.record_failed')
      if (!isUnwritable(error))
        onTrouble(`Redis does not take answers (${message}); they are kept here and tried again.`)
    },
  }
}

/** A letter of a single request carries its whole body: it travels alone. */
function lengthOf({ ending }: PlacedEnding): number {
  const carriesBody = ending.kind === 'dead' && ending.letter.body !== null
  return carriesBody ? Number.POSITIVE_INFINITY : ending.line.length
}

function logOutcome(log: Logger): HandleDeps['onOutcome'] {
  return (request, outcome, recorded) => {
    const ids = { batchId: request.batch, jobId: jobId(request), recorded }
    const event = `completion.${outcome.kind}`
    if (outcome.kind === 'completed') {
      log.debug({ ...ids, requestId: outcome.requestId }, event)
      return
    }
    const { status, code, requestId } = outcome.failure
    log.debug({ ...ids, requestId, status, code }, event)
  }
}

const FRESH_MS = 5000
/** A worker may live through any number of batches. */
const MOST_REMEMBERED = 1000

/** A batch's options change only when its command is given again with others: a few seconds' memory will do. */
function rememberOptions(store: BatchStore): (batch: string) => Promise<BatchOptions> {
  const known = new Map<string, { readonly options: Promise<BatchOptions>; readonly at: number }>()
  return (batch) => {
    const found = known.get(batch)
    if (found !== undefined && Date.now() - found.at < FRESH_MS) return found.options
    if (known.size >= MOST_REMEMBERED) known.clear()
    const options = store.options(batch)
    known.set(batch, { options, at: Date.now() })
    options.catch(() => known.delete(batch))
    return options
  }
}
