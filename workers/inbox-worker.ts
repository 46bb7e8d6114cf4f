import type { Logger } from 'pino'
import { collectInbox, INBOX_LEASE, type InboxDeps } from '../src/batches/inbox/inbox-collector.js'
import { feedInboxRetries } from '../src/batches/inbox/inbox-retries.js'
import { createDirectoryLease } from '../src/batches/lease.js'
import type { Session } from '../src/batches/session.js'
import { INBOX_BATCH } from '../src/completions/request.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'

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
const RENEW_MS = 2000
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
  const deps = { redis, keys, store, leaseToken: () => lease.token, bury, queue: completions }
  let closing = false
  let wake = (): void => {}
  let heldSince = Number.NEGATIVE_INFINITY

  async function serves(): Promise<boolean> {
    if (performance.now() - heldSince < RENEW_MS) return true
    if ((await redis.exists(keys.batch(INBOX_BATCH))) === 0) return false
    const askedAt = performance.now()
    heldSince = (await lease.hold()) ? askedAt : Number.NEGATIVE_INFINITY
    return heldSince === askedAt
  }

  /** How long to wait before the next one. */
  async function tick(): Promise<number> {
    if (!(await serves())) return IDLE_MS
    const moved = (await feedInboxRetries(deps)) + (await collectInbox(deps))
    return moved > 0 ? 0 : TICK_MS
  }

  async function run(): Promise<void> {
    while (!closing) {
      const pauseMs = await tick().catch((error: Error) => {
        heldSince = Number.NEGATIVE_INFINITY
        log.error({ err: error }, 'inbox.trouble')
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

  const running = run()
  return {
    async close() {
      closing = true
      wake()
      await running
      try {
        heldSince = Number.NEGATIVE_INFINITY
        if (await serves()) while ((await collectInbox(deps)) > 0);
      } finally {
        await lease.release()
      }
    },
  }
}
