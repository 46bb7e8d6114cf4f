import { loadConfig, type QueueConfig } from '../../src/config.js'
import type { Deadlines } from '../../workers/deadlines.js'
import type { WorkerEvent } from '../../workers/events.js'
import { type RunWorkersOptions, runWorkers, type WorkersEnd } from '../../workers/main.js'
import { ROLES } from '../../workers/role.js'
import { silent } from './batches.js'
import { eventually } from './eventually.js'
import { putAwayAfterEach } from './put-away.js'

/** A process's worth of workers, in this process. */
export interface RunningWorkers {
  /** What a person was told so far. */
  readonly events: readonly WorkerEvent[]
  readonly ended: Promise<WorkersEnd>
  /** Waits for an event of a kind; throws when the workers end, or fail, first. */
  until<K extends WorkerEvent['kind']>(kind: K): Promise<Extract<WorkerEvent, { kind: K }>>
  /** As SIGTERM does it. */
  stop(): Promise<WorkersEnd>
  /** As the second signal does it. */
  stopNow(): Promise<WorkersEnd>
}

export interface WorkersOf extends Partial<Pick<RunWorkersOptions, 'roles' | 'concurrency' | 'untilIdle'>> {
  readonly redisUrl: string
  readonly keyPrefix: string
  readonly dataDir: string
  /** What is set up, by name. */
  readonly queues: Readonly<Record<string, Partial<QueueConfig>>>
  readonly deadlines?: Deadlines
}

const running = new Set<RunningWorkers>()

export function startWorkers(given: WorkersOf): RunningWorkers {
  const { redisUrl, keyPrefix, dataDir, queues, roles = new Set(ROLES), deadlines } = given
  const base = loadConfig(
    { REDIS_URL: redisUrl, CONDUIT_BATCH_KEY_PREFIX: keyPrefix, CONDUIT_API_KEY: 'sk-simulator' },
    { dataDir },
  )
  const config = { ...base, queue: (name: string) => ({ ...base.queue(name), ...queues[name], queue: name }) }
  const [stop, stopNow] = [new AbortController(), new AbortController()]
  const events: WorkerEvent[] = []
  let over = false
  const ended = runWorkers({
    config,
    queues: Object.keys(queues),
    roles,
    concurrency: given.concurrency ?? null,
    untilIdle: given.untilIdle ?? false,
    log: silent,
    onEvent: (event) => void events.push(event),
    stop: stop.signal,
    stopNow: stopNow.signal,
    ...(deadlines === undefined ? {} : { deadlines }),
  }).finally(() => {
    over = true
    running.delete(workers)
  })
  ended.catch(() => undefined)
  const workers: RunningWorkers = {
    events,
    ended,
    async until(kind) {
      const find = () => events.find((event) => event.kind === kind)
      await eventually(`the workers tell: ${kind}`, () => find() !== undefined, {
        hopeless: () => (over ? 'they have ended' : null),
      })
      return find() as never
    },
    stop() {
      stop.abort()
      return ended
    },
    stopNow() {
      stop.abort()
      stopNow.abort()
      return ended
    },
  }
  running.add(workers)
  return workers
}

putAwayAfterEach(async () => {
  for (const workers of running) await workers.stopNow().catch(() => undefined)
  running.clear()
})
