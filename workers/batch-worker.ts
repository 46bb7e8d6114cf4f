import type { Logger } from 'pino'
import type { BatchStore } from '../src/batches/batch-store.js'
import type { BatchWorkDeps } from '../src/batches/batch-work.js'
import type { DirectoryLease } from '../src/batches/lease.js'
import { createOpenBatches } from './open-batches.js'

export interface BatchWorkerOptions {
  readonly lease: DirectoryLease
  readonly store: BatchStore
  readonly work: BatchWorkDeps
  /** May another chunk be fed now? Asked before each. */
  readonly mayFeed: () => Promise<boolean>
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
const RENEW_MS = 2000
const TROUBLE_PAUSE_MS = 1000

/** Feeds and collects the batches of one data directory, for as long as this process holds its lease. */
export function startBatchWorker(options: BatchWorkerOptions): BatchWorker {
  const { lease, store, work, mayFeed, log } = options
  let troubled = false
  const open = createOpenBatches({
    ...options,
    onTrouble(text) {
      troubled = true
      options.onTrouble(text)
    },
  })
  let closing = false
  let wake = (): void => {}
  let held = false
  let turn = 0

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** One chunk of one batch after the other, as long as the queue has room for it. */
  async function feed(batches: readonly string[]): Promise<number> {
    let fed = 0
    for (let dry = 0; dry < batches.length && !closing && (await mayFeed()); ) {
      const batch = batches[turn++ % batches.length] as string
      const count = (await open.step(batch, (target) => target.feed())) ?? 0
      fed += count
      dry = count === 0 ? dry + 1 : 0
    }
    return fed
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

  async function tick(): Promise<number> {
    if (!held) await renew()
    if (!held) {
      await open.keep([], [])
      return 0
    }
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
        const moved = await tick()
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

  /** Whatever came until the workers stopped. */
  async function collectRest(): Promise<void> {
    const batches = [...(await store.active(work.directoryId)), ...(await store.draining(work.directoryId))]
    while ((await collect(batches)) > 0);
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
        if (await lease.hold()) await collectRest()
      } finally {
        await open.keep([], [])
        await lease.release()
      }
    },
  }
}
