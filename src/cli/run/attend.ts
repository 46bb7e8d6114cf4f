import { DEADLINES } from '../../../workers/deadlines.js'
import type { Interruptions } from '../../../workers/interruptions.js'
import { type AllRolesOptions, type Roles, startRoles } from '../../../workers/roles.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import type { QueueSnapshot } from '../../batches/snapshot.js'
import { isOver } from '../../batches/states.js'
import type { BatchOptions } from '../../completions/request.js'
import { EXIT } from '../exit.js'
import type { RunStatus } from '../text/summary-object.js'
import type { Screen } from './screen.js'
import { createView, type View } from './view.js'

export interface AttendOptions {
  readonly batch: string
  /** How this command wants its batch treated; whoever works on it takes them over. */
  readonly options: BatchOptions
  readonly screen: Screen
  readonly startedAt: number
  readonly interruptions: Interruptions
  readonly exitOnPause: boolean
  /** Tells a Redis that has lost everything of the batch again. */
  readonly registerAgain: () => Promise<void>
  readonly roles: AllRolesOptions
}

const LOOK_MS = 200
const TAKE_OVER_MS = 1000
/** Whoever holds the directory may only feed and collect: when nobody makes calls for so long, this process does. */
const UNSERVED_MS = 5000
const AFTER_TROUBLE_MS = 5000

/**
 * Works on the batch when nobody else serves this data directory (or nobody its queue), watches it when somebody does,
 * and takes over when they leave. Ends when the batch does, at a pause if asked to, or when interrupted.
 */
export async function attend(options: AttendOptions): Promise<RunStatus> {
  const { interruptions } = options
  const { session, onTrouble } = options.roles
  const view = createView({ ...options, session, onTrouble })
  const tellOfOtherKey = createKeyNotice(options)
  let roles: Roles | null = null
  let askedAt = 0
  /** Since when every look has shown nobody who makes the calls of this queue. */
  let unservedSince: number | null = null
  interruptions.takeOver()
  try {
    for (;;) {
      if (interruptions.count > 0) return await leave(roles, 'interrupted', view, options)
      if (roles === null && Date.now() - askedAt >= TAKE_OVER_MS) {
        askedAt = Date.now()
        roles = await takeOver(options, unservedSince !== null && Date.now() - unservedSince >= UNSERVED_MS)
      }
      const seen = await view.look({ attached: roles === null, closing: false })
      if (seen?.queue.workers === 0) unservedSince ??= Date.now()
      else unservedSince = null
      if (seen !== null) {
        if (seen.batch === null) await options.registerAgain()
        else if (isOver(seen.batch.state)) return await leave(roles, seen.batch.state, view, options)
        if (roles === null) tellOfOtherKey(seen.queue)
        if (options.exitOnPause && seen.queue.holds.length > 0)
          return await leave(roles, 'paused', view, options)
      }
      await interruptions.orAfter(LOOK_MS)
    }
  } catch (error) {
    // The workers must not go on behind a command that has given up.
    roles?.abort()
    await Promise.race([
      roles?.close(0),
      new Promise((resolve) => setTimeout(resolve, AFTER_TROUBLE_MS).unref()),
    ])
    throw error
  }
}

/**
 * Starts the workers if nobody else serves this directory, or nobody this queue, and says what else they will work on.
 * Without the lease the batch worker waits for it.
 */
async function takeOver(
  { roles, batch, options, screen }: AttendOptions,
  unserved: boolean,
): Promise<Roles | null> {
  const { session } = roles
  const { lease, directory } = roles.batch
  if (!(await lease.hold()) && !unserved) return null
  await session.store.setOptions(batch, options)
  for (const other of await session.store.active(directory.id)) {
    const left = other === batch ? null : await readBatchSnapshot(session, other)
    if (left === null) continue
    const count = left.total - left.completed - left.failed
    screen.notice(`Batch ${other} (${left.input}) is not finished and goes on too: ${count} requests left.`)
  }
  return startRoles(roles)
}

/** Two processes with two keys on one queue would undo each other's work: this one waits for its turn. */
function createKeyNotice({ roles, screen }: AttendOptions): (queue: QueueSnapshot) => void {
  let told = false
  return ({ holds }) => {
    const hold = holds.find(({ reason }) => reason === 'credentials')
    const { fingerprint } = roles.completion.keyHolder.current()
    if (told || hold === undefined || hold.keyFingerprint === fingerprint) return
    told = true
    screen.notice(
      'The other process works with the key that was refused. Stop it (Ctrl-C there), and this one goes on.',
    )
  }
}

/** Puts the work away, and shows that; a second Ctrl-C aborts the calls in flight. */
async function leave(
  roles: Roles | null,
  status: RunStatus,
  view: View,
  { roles: { session }, batch, screen, interruptions }: AttendOptions,
): Promise<RunStatus> {
  if (roles === null) return status
  const { finishMs, putAwayMs } = DEADLINES
  interruptions.second.addEventListener('abort', roles.abort, { once: true })
  const closing = roles.close(finishMs)
  const giveUpAt = Date.now() + finishMs + putAwayMs
  for (let open = true; open; ) {
    open = await Promise.race([closing.then(() => false), interruptions.orAfter(LOOK_MS).then(() => true)])
    if (open && status !== 'completed') await view.look({ attached: false, closing: true })
    if (open && Date.now() > giveUpAt) {
      screen.notice(
        'Redis does not answer, so this process leaves as it is. The same command goes on from here.',
      )
      process.exit(EXIT.interrupted)
    }
  }
  const left = await readBatchSnapshot(session, batch)
  if (left?.state === 'completed') return 'completed'
  if (status === 'interrupted') screen.notice('Interrupted. The same command goes on from here.')
  return status
}
