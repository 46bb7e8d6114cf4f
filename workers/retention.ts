import type { Logger } from 'pino'
import type { DataDirectory } from '../src/batches/data-directory.js'
import type { DirectoryLease } from '../src/batches/lease.js'
import { enforceRetention, type Limits } from '../src/batches/retention.js'
import type { Session } from '../src/batches/session.js'
import { createDeadLetters } from '../src/completions/dead-letters/dead-letters.js'

export interface RetentionOptions {
  readonly session: Session
  readonly directory: DataDirectory
  /** Only its holder removes anything. */
  readonly lease: Pick<DirectoryLease, 'token' | 'isSure'>
  readonly limits: Limits
  readonly log: Logger
}

const EVERY_MS = 3600_000
/** Until this process has the lease, it is not its turn. */
const ASK_AGAIN_MS = 2000

/** Removes what is kept no longer, at the start and then every hour. */
export function startRetention({ session, directory, lease, limits, log }: RetentionOptions): {
  close(): Promise<void>
} {
  const { redis, keys, deadLetters: queue } = session
  const deadLetters = createDeadLetters(redis, keys, queue)
  let timer: NodeJS.Timeout | undefined
  let closing = false

  async function enforce(): Promise<void> {
    try {
      const removed = await enforceRetention({
        session,
        directory,
        deadLetters,
        limits,
        nowMs: Date.now(),
        isOurs: () => lease.isSure,
      })
      if (Object.values(removed).some((count) => count > 0)) log.info(removed, 'retention.removed')
    } catch (error) {
      log.warn({ err: (error as Error).message }, 'retention.failed')
    }
  }

  async function turn(): Promise<void> {
    const isOurs = lease.token !== ''
    if (isOurs) await enforce()
    if (closing) return
    timer = setTimeout(next, isOurs ? EVERY_MS : ASK_AGAIN_MS)
    timer.unref()
  }

  function next(): void {
    running = turn()
  }

  let running = turn()
  return {
    async close() {
      closing = true
      clearTimeout(timer)
      await running
    },
  }
}
