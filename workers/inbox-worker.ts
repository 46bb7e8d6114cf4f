import type { Logger } from 'pino'
import {
  collectInbox,
  INBOX_LEASE,
  INBOX_PORTIONS,
  type InboxDeps,
} from '../src/batches/inbox/inbox-collector.js'
import { feedInboxRetries } from '../src/batches/inbox/inbox-retries.js'
import { createDirectoryLease, RENEW_MS } from '../src/batches/lease.js'
import { createPortionSize } from '../src/batches/portion-size.js'
import type { Session } from '../src/batches/session.js'
import { INBOX_BATCH } from '../src/completions/request.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
import { isUnwritable } from '../src/redis/unwritable.js'

export interface InboxWorkerOptions {
  readonly session: Session
  readonly bury: InboxDeps['bury']
  readonly log: Logger
  /** Told of trouble that stands in the way now, in a sentence; it is tried again. */
  readonly onTrouble: (text: string) => void
}

/** Looks for what came, while this process serves the inbox. */
const TICK_MS = 50
/** Looks whether there is an inbox at all, and whether nobody serves it. */
const IDLE_MS = 500
const TROUBLE_PAUSE_MS = 1000

/**
 * Serves the inbox of one queue, as one process does at a time: keeps what single requests ended in, and feeds those
 * that were retried. Needs no data directory.
 */
export function startInboxWorker({ session, bury, log, onTrouble }: InboxWorkerOptions): {
  /** Keeps what has come so far, and lets another process take over. */
  close(): Promise<void>
} {
  const { redis, keys, store, completions } = session
  const lease = createDirectoryLease(redis, keys, INBOX_LEASE, formatProcess(currentProcess()))
  const portion = createPortionSize(INBOX_PORTIONS)
  const deps = { redis, keys, store, leaseToken: () => lease.token, portion, bury, queue: completions }
  let closing = false
  let wake = (): void => {}
  let held = false

  async function serves(): Promise<boolean> {
    if (!held && (await redis.exists(keys.batch(INBOX_BATCH))) === 1) held = await lease.hold()
    return held
  }

  /** On a clock of its own: a portion of large endings must not cost the lease. */
  async function renew(): Promise<void> {
    if (!held) return
    try {
      held = await lease.hold()
    } catch (error) {
      log.warn({ err: (error as Error).message }, 'inbox.lease_not_renewed')
    }
  }

  /** How long to wait before the next one. */
  async function tick(): Promise<number> {
    if (!(await serves())) return IDLE_MS
    await feedInboxRetries(deps)
    return (await collectInbox(deps)) > 0 ? 0 : TICK_MS
  }

  async function run(): Promise<void> {
    while (!closing) {
      const pauseMs = await tick().catch((error: Error) => {
        held = false
        log.error({ err: error }, 'inbox.trouble')
        if (!isUnwritable(error))
          onTrouble(`Answers to single requests can't be kept now, and are tried again: ${error.message}`)
        return TROUBLE_PAUSE_MS
      })
      if (!closing && pauseMs > 0) await pause(pauseMs)
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  const renewal = setInterval(renew, RENEW_MS)
  const running = run()
  return {
    async close() {
      closing = true
      wake()
      await running
      clearInterval(renewal)
      try {
        held = false
        if (await serves()) while ((await collectInbox(deps)) > 0);
      } finally {
        await lease.release()
      }
    },
  }
}
