import type { Logger } from 'pino'
import { createGauges } from '../src/admission/gauges.js'
import type { Session } from '../src/batches/session.js'
import { createFleet, type Fleet } from '../src/completions/fleet.js'
import { jobId } from '../src/completions/request.js'
import { createConduitClient } from '../src/conduit/client.js'
import { noteBalance } from '../src/credits/note-balance.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
import { isFull, RedisFull } from '../src/redis/full.js'
import { asUnavailable } from '../src/redis/unavailable.js'
import { type Admission, createAdmission } from './admission.js'
import { type BalanceWatch, createBalanceWatch } from './balance-watch.js'
import type { CompletionRoleOptions } from './completion-options.js'
import { type CompletionWorker, startCompletionWorker } from './completion-worker.js'
import { startFollowingConcurrency } from './concurrency.js'
import { createConcurrencyCeiling, MOST_CONCURRENCY } from './concurrency-ceiling.js'
import { createHandleDeps } from './handle-deps.js'
import { createRedisRoom } from './redis-room.js'
import { createSuspectsBalance } from './suspects-balance.js'

/** The calls of one queue in this process. */
export interface CompletionRole {
  /** For housekeeping; they go on until `finish` is done. */
  readonly steps: readonly (() => Promise<unknown>)[]
  /** Calls that are out. */
  readonly inFlight: number
  /** Jobs that the process may hold now: those whose calls are out, and a few that wait for a permit. */
  readonly concurrency: number
  /** Takes no more jobs; lets the calls that are out finish until the deadline, then aborts them. */
  finish(deadlineMs: number): Promise<void>
  /** The last step: nobody need look for jobs of ours any more. */
  leave(): Promise<void>
  abort(): void
}

/** After a reconnection, jobs that a lost reply handed out are looked for this long. */
const ORPHANS_MS = 10_000

/**
 * Starts to make the calls of a queue, and to give back the jobs of workers that died.
 * @throws RedisFull, RedisUnwritable
 */
export async function startCompletionRole(
  session: Session,
  options: CompletionRoleOptions,
  log: Logger,
  onTrouble: (text: string) => void,
): Promise<CompletionRole> {
  const { keyHolder, baseUrl, concurrency: bounds, requestsPerMinute, autoResume } = options
  const { redis, keys } = session
  const name = formatProcess(currentProcess())
  const fleet = createFleet(redis, keys, session.completions, name)
  const admission = createAdmission(session, keyHolder, log, { requestsPerMinute, autoResume })
  const balance = startBalanceWatch(session, options, admission, log, onTrouble)
  try {
    // Before the first job: whoever finds us dead must know whose the jobs are.
    await fleet.beat()
    await admission.mirrorGate()
    await balance?.lookAtHold()
  } catch (error) {
    throw isFull(error) ? new RedisFull(session.place, 'entirely') : asUnavailable(error, session.place)
  }
  const conduit = createConduitClient({ baseUrl, connections: MOST_CONCURRENCY })
  const suspectsBalance = createSuspectsBalance(options.billingUrl, options.keyHolder)
  const ceiling = createConcurrencyCeiling(session, bounds)
  const concurrency = startFollowingConcurrency(admission.permits, await ceiling(), (limit) =>
    worker.setConcurrency(limit),
  )
  const deps = createHandleDeps({
    session,
    admission: { ...admission, permits: concurrency.permits },
    conduit,
    keyHolder,
    balance: suspectsBalance.look,
    workerName: name,
    log,
    onTrouble,
  })
  const worker = startCompletionWorker({
    redis,
    keys,
    concurrency: concurrency.limit,
    log,
    deps,
    onTrouble,
    jobs: concurrency,
  })
  const orphans = createOrphanSearch(session, fleet, worker, log)
  const gauges = createGauges(redis, keys, name, () => ({
    inFlight: concurrency.inFlight,
    leased: admission.permits.leased,
    concurrency: concurrency.limit,
    autoResume,
    topUps: autoResume && balance !== null,
  }))
  return {
    steps: [
      createRedisRoom(session, name),
      admission.mirrorGate,
      fleet.beat,
      () => releaseDead(session, fleet, log),
      orphans.look,
      async () => concurrency.setCeiling(await ceiling()),
      gauges.write,
      ...(balance === null ? [] : [balance.look]),
    ],
    get inFlight() {
      return concurrency.inFlight
    },
    get concurrency() {
      return concurrency.limit
    },
    async finish(deadlineMs) {
      orphans.close()
      await balance?.close()
      concurrency.close()
      admission.permits.close()
      await worker.close(deadlineMs)
      await admission.permits.flush()
    },
    async leave() {
      await fleet.leave()
      await conduit.close()
      await suspectsBalance.close()
    },
    abort: worker.abort,
  }
}

function startBalanceWatch(
  session: Session,
  { keyHolder, billingUrl, balancePollMs: pollMs, autoResume }: CompletionRoleOptions,
  { mirrorGate }: Admission,
  log: Logger,
  onTrouble: (text: string) => void,
): BalanceWatch | null {
  if (billingUrl === null) return null
  // A top-up counts whether or not a forecast can be noted.
  const onBalance = async (balanceCents: number) => {
    await noteBalance(session.redis, session.keys, balanceCents).catch((error: Error) =>
      log.warn({ err: error.message }, 'forecast.failed'),
    )
  }
  return createBalanceWatch({
    session,
    keyHolder,
    billingUrl,
    pollMs,
    autoResume,
    onBalance,
    mirrorGate,
    log,
    onTrouble,
  })
}

/** Gives back the jobs of workers that died, and counts their calls as maybe billed. */
export async function releaseDead({ store }: Session, fleet: Fleet, log: Logger): Promise<void> {
  const released = await fleet.releaseDead()
  if (released.length === 0) return
  log.warn({ released: released.length }, 'completion.released_from_dead_workers')
  for (const { crashes, ...place } of released.filter(({ ended }) => ended)) {
    log.error({ batchId: place.batch, jobId: jobId(place), crashes }, 'completion.worker_crashed')
  }
  // These calls were out, as far as anybody knows.
  for (const { batch, called } of released) if (called) await store.count(batch, 'maybeBilled')
}

/** Looks for jobs that BullMQ believes to be ours, for a while after each reconnection. */
function createOrphanSearch({ redis }: Session, fleet: Fleet, worker: CompletionWorker, log: Logger) {
  let until = 0
  const expect = () => {
    until = Date.now() + ORPHANS_MS
  }
  redis.on('ready', expect)
  return {
    async look(): Promise<void> {
      if (Date.now() > until) return
      const released = await fleet.releaseOrphans(worker.runs)
      if (released > 0) log.warn({ released }, 'completion.released_after_reconnection')
    },
    close: () => void redis.off('ready', expect),
  }
}
