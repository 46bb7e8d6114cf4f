import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Session } from '../src/batches/session.js'
import type { WorkerEvent } from './events.js'
import { isIdle, lookAtQueue } from './queue-look.js'
import { createQueueStory } from './queue-story.js'
import type { Role } from './role.js'

export interface FollowOptions {
  readonly sessions: readonly Session[]
  /** What this process does itself for them. */
  readonly roles: ReadonlySet<Role>
  /** Id of the data directory that this process serves; null when it serves none. */
  readonly ownDirectory: string | null
  readonly tell: (event: WorkerEvent) => void
  readonly log: Logger
  readonly until: AbortSignal
}

const LOOK_MS = 500

/** Looks at each queue again and again and tells what happens there. Resolves when nothing is left to do in any. */
export function followQueues(options: FollowOptions): Promise<void> {
  const busy = new Set(options.sessions)
  return new Promise((resolve) => {
    for (const session of options.sessions) {
      void follow(session, options, (idle) => {
        if (idle) busy.delete(session)
        else busy.add(session)
        if (busy.size === 0) resolve()
      })
    }
  })
}

async function follow(
  session: Session,
  { roles, ownDirectory, tell, log, until }: FollowOptions,
  onLook: (idle: boolean) => void,
): Promise<void> {
  const story = createQueueStory(session.queue, {
    completion: roles.has('completion'),
    directory: ownDirectory,
  })
  while (!until.aborted) {
    try {
      const look = await lookAtQueue(session, ownDirectory)
      if (until.aborted) return
      for (const event of story(look, performance.now())) tell(event)
      onLook(isIdle(look))
    } catch (error) {
      // After the end the connection is closed under the last look.
      if (!until.aborted)
        log.warn({ queue: session.queue, err: (error as Error).message }, 'queue.look_failed')
    }
    // Rejects only when the signal aborts, and then the loop ends.
    await delay(LOOK_MS, undefined, { signal: until }).catch(() => undefined)
  }
}
