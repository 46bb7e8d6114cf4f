import { performance } from 'node:perf_hooks'
import type { Logger } from 'pino'
import type { BatchStore } from '../src/batches/batch-store.js'
import type { BatchWorkDeps } from '../src/batches/batch-work.js'
import { NOTHING_FED } from '../src/batches/feeder.js'
import { type DirectoryLease, RENEW_MS } from '../src/batches/lease.js'
import type { DiskWatch } from './disk-watch.js'
import type { FeedBudget } from './feed-budget.js'
import { createOpenBatches } from './open-batches.js'

export interface BatchWorkerOptions {
  readonly lease: DirectoryLease
  readonly store: BatchStore
  readonly work: BatchWorkDeps
  /** Which of the batches are to be fed now, and how much of each. */
  readonly budget: FeedBudget
  /** False: what is fed now would only fill a Redis, or a disk, that has no room. */
  readonly mayFeed?: () => Promise<boolean>
  /** Told what becomes of writing. */
  readonly disk?: DiskWatch
  /** Tells Redis of batches that it has lost; called when it may have, and again for as long as it gives false. */
  readonly registerLost?: () => Promise<boolean>
  readonly log: Logger
  /** Told of trouble that stands in the way of a batch now, in a sentence; it is tried again. */
  readonly onTrouble: (text: string) => void
}

export interface BatchWorker {
  /** Writes what has come so far, and gives the directory free. */
  close(): Promise<void>
}

const TICK_MS = 50
/** Between two looks whether the lease is free. */
const WAITING_MS = 500
const TROUBLE_PAUSE_MS = 1000
/** Between two looks whether others still work on what this Redis does not know. */
const ELSEWHERE_MS = 2000

/** Feeds and collects the batches of one data directory, for as long as this process holds its lease. */
export function startBatchWorker(options: BatchWorkerOptions): BatchWorker {
  const { lease, store, work, budget, mayFeed, log, registerLost, disk } = options
  let troubled = false
  let diskTroubled = false
  const open = createOpenBatches({
    ...options,
    onTrouble(text) {
      troubled = true
      options.onTrouble(text)
    },
    async onDiskTrouble(trouble) {
      troubled = true
      diskTroubled = true
      if (disk === undefined) options.onTrouble(trouble.message)
      else await disk.failed(trouble)
    },
  })
  let closing = false
  let wake = (): void => {}
  let held = false
  /** The lease under which Redis was last told of batches that it does not know: a new one may be of a Redis that lost all. */
  let toldUnder = ''
  let tellAgainAt = Number.POSITIVE_INFINITY
  const onReconnected = (): void => {
    toldUnder = ''
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

  /** A portion of one batch after the other, as long as the queue has room for it. */
  async function feed(batches: readonly string[]): Promise<number> {
    if (batches.length === 0 || (await mayFeed?.()) === false) return 0
    const round = await budget(batches, async ({ batch, open: count, uncollected, fed }) => {
      return (await open.step(batch, (target) => target.weigh(count + uncollected, fed))) ?? 0
    })
    let moved = 0
    for (let next = round.next(); next !== null && !closing; next = round.next()) {
      const { batch, most } = next
      const fed = (await open.step(batch, (target) => target.feed(most))) ?? NOTHING_FED
      round.fed(batch, fed)
      moved += fed.count
    }
    return moved
  }

  async function collect(batches: readonly string[]): Promise<number> {
    let lines = 0
    for (const batch of batches) lines += (await open.step(batch, (target) => target.collect())) ?? 0
    return lines
  }

  /** Ends early what is to be ended, a portion of each at a time. */
  async function settleEnds(batches: readonly string[]): Promise<number> {
    let settled = 0
    for (const batch of batches) settled += (await open.step(batch, (target) => target.settleEnd())) ?? 0
    return settled
  }

  /** Writes what still came of a batch that stopped or was replaced. */
  async function drain(batch: string): Promise<number> {
    // Its directory is gone, or damaged: nothing can be written. An answer that comes later brings it back here.
    if (!(await open.canOpen(batch))) {
      await store.forsake(batch)
      return 0
    }
    const lines = await collect([batch])
    if (lines === 0) await open.step(batch, (target) => target.drained())
    return lines
  }

  /** On a clock of its own: a step that takes long (a big recovery, a slow disk) must not cost the lease. */
  async function renew(): Promise<void> {
    try {
      held = await lease.hold()
    } catch (error) {
      log.warn({ err: (error as Error).message }, 'batch.lease_not_renewed')
    }
  }

  async function tellOfLost(): Promise<void> {
    toldUnder = lease.token
    try {
      const isAll = (await registerLost?.()) ?? true
      tellAgainAt = isAll ? Number.POSITIVE_INFINITY : performance.now() + ELSEWHERE_MS
    } catch (error) {
      onReconnected()
      throw error
    }
  }

  async function tick(): Promise<number> {
    if (!held) await renew()
    if (!held) {
      await open.keep([], [])
      return 0
    }
    if (toldUnder !== lease.token || performance.now() >= tellAgainAt) await tellOfLost()
    const active = await store.active(work.directoryId)
    const draining = await store.draining(work.directoryId)
    await open.keep(active, draining)
    let moved = await feed(active)
    moved += await collect(active)
    moved += await settleEnds(active)
    for (const batch of draining) moved += await drain(batch)
    return moved
  }

  async function run(): Promise<void> {
    while (!closing) {
      try {
        troubled = false
        diskTroubled = false
        const moved = await tick()
        if (held && !diskTroubled) await disk?.succeeded()
        if (!closing) await pause(troubled ? TROUBLE_PAUSE_MS : !held ? WAITING_MS : moved > 0 ? 1 : TICK_MS)
      } catch (error) {
        held = false
        await open
          .keep([], [])
          .catch((trouble: Error) => log.warn({ err: trouble.message }, 'batch.close_failed'))
        log.warn({ err: (error as Error).message }, 'batch.worker_error')
        if (!closing) await pause(TROUBLE_PAUSE_MS)
      }
    }
  }

  /** What has come until now: workers elsewhere may go on for ever. */
  async function collectRest(): Promise<void> {
    const batches = [...(await store.active(work.directoryId)), ...(await store.draining(work.directoryId))]
    const waiting = await Promise.all(batches.map((batch) => store.pending(batch)))
    let left = waiting.reduce((sum, count) => sum + count, 0)
    for (let lines = 1; left > 0 && lines > 0; left -= lines) lines = await collect(batches)
  }

  work.redis.on('ready', onReconnected)
  const renewal = setInterval(renew, RENEW_MS)
  const running = run()
  return {
    async close() {
      closing = true
      wake()
      await running
      work.redis.off('ready', onReconnected)
      try {
        if (await lease.hold()) await collectRest()
      } finally {
        clearInterval(renewal)
        await open.keep([], [])
        await lease.release()
      }
    },
  }
}
