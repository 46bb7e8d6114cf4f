import { type Roles, type RolesOptions, startRoles } from '../../../workers/roles.js'
import type { DirectoryLease } from '../../batches/lease.js'
import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { Session } from '../../batches/session.js'
import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'
import { createRateMeter, estimateLeftMs } from '../progress/rate.js'
import type { RunStatus } from '../text/summary-object.js'
import { type Interruptions, listenForInterruptions } from './interruptions.js'
import type { Screen } from './screen.js'

export interface AttendOptions {
  readonly session: Session
  readonly batch: string
  readonly screen: Screen
  readonly startedAt: number
  readonly exitOnPause: boolean
  readonly lease: DirectoryLease
  readonly roles: RolesOptions
}

const LOOK_MS = 200
const TAKE_OVER_MS = 1000
const RATE_WINDOW_MS = 10_000
/** Calls in flight may take this long after Ctrl-C; what is left then goes back to its place. */
const CLOSING_DEADLINE_MS = 30_000

/**
 * Works on the batch when nobody else serves this data directory, watches it when somebody does, and takes over
 * when they leave. Ends when the batch does, at a pause if asked to, or when interrupted.
 */
export async function attend(options: AttendOptions): Promise<RunStatus> {
  const { session, batch, screen, lease, exitOnPause } = options
  const interruptions = listenForInterruptions()
  const view = createView(options)
  let roles: Roles | null = null
  let askedAt = 0
  let told = false
  try {
    for (;;) {
      if (roles === null && Date.now() - askedAt >= TAKE_OVER_MS) {
        askedAt = Date.now()
        if (await lease.hold()) roles = await startRoles(options.roles)
      }
      const seen = await view.look(roles === null)
      if (roles === null) tellOfOtherKey(seen.queue)
      if (seen.batch.state !== 'running') return await leave(seen.batch.state)
      if (interruptions.count > 0) return await leave('interrupted')
      if (exitOnPause && seen.queue.holds.length > 0) return await leave('paused')
      await interruptions.orAfter(LOOK_MS)
    }
  } finally {
    interruptions.close()
  }

  /** Two processes with two keys on one queue would undo each other's work: this one waits for its turn. */
  function tellOfOtherKey({ holds }: QueueSnapshot): void {
    const hold = holds.find(({ reason }) => reason === 'credentials')
    const own = options.roles.keyHolder.current().fingerprint
    if (told || hold === undefined || hold.keyFingerprint === own) return
    told = true
    screen.notice(
      'The other process works with the key that was refused. Stop it (Ctrl-C there), and this one goes on.',
    )
  }

  async function leave(status: RunStatus): Promise<RunStatus> {
    if (roles === null) return status
    const closing = closeRoles(roles, interruptions)
    for (let open = true; open; ) {
      open = await Promise.race([closing.then(() => false), interruptions.orAfter(LOOK_MS).then(() => true)])
      if (open && status !== 'completed') await view.look(false, true)
    }
    await closing
    const left = await readBatchSnapshot(session, batch)
    if (left?.state === 'completed') return 'completed'
    if (status === 'interrupted') screen.notice('Interrupted. The same command goes on from here.')
    return status
  }
}

/** Finishes the calls in flight; a second Ctrl-C aborts them, a third one leaves them. */
async function closeRoles(roles: Roles, interruptions: Interruptions): Promise<void> {
  interruptions.onAnother(() => roles.abort())
  await roles.close(CLOSING_DEADLINE_MS)
}

/** Reads where things stand and shows it. */
function createView({ session, batch, screen, startedAt }: AttendOptions) {
  const meter = createRateMeter({ windowMs: RATE_WINDOW_MS })
  let last: { batch: BatchSnapshot; queue: QueueSnapshot } | null = null

  async function read() {
    const reading = Promise.all([readBatchSnapshot(session, batch), readQueueSnapshot(session)])
    // While Redis is away the last known figures stay on the screen.
    reading.catch(() => {})
    const late = new Promise<null>((resolve) =>
      setTimeout(() => resolve(null), last === null ? 60_000 : 2000).unref(),
    )
    const got = await Promise.race([reading, late])
    if (got === null) return null
    const [batchSnapshot, queue] = got
    if (batchSnapshot === null) throw new Error(`Redis does not know batch ${batch} any more`)
    last = { batch: batchSnapshot, queue }
    return last
  }

  return {
    async look(attached: boolean, closing = false) {
      const fresh = await read()
      const seen = fresh ?? last
      if (seen === null) throw new Error('Redis does not answer')
      const nowMs = Date.now()
      const done = seen.batch.completed + seen.batch.failed
      if (fresh !== null) meter.sample(nowMs, done)
      const ratePerSecond = meter.ratePerSecond()
      screen.update({
        ...seen,
        nowMs,
        startedAtMs: startedAt,
        ratePerSecond,
        leftMs: estimateLeftMs(seen.batch.total - done, ratePerSecond),
        connection: fresh === null ? 'reconnecting' : 'ok',
        closing,
        attached,
      })
      return seen
    },
  }
}
