import type { Logger } from 'pino'
import type { BatchStore } from '../src/batches/batch-store.js'
import { type BatchWork, type BatchWorkDeps, openBatchWork, troubleOf } from '../src/batches/batch-work.js'
import type { DirectoryLease } from '../src/batches/lease.js'

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
const RENEW_MS = 2000
const TROUBLE_PAUSE_MS = 1000

/** Feeds and collects the batches of one data directory, for as long as this process holds its lease. */
export function startBatchWorker(options: BatchWorkerOptions): BatchWorker {
  const { lease, store, work, mayFeed, log, onTrouble } = options
  const open = new Map<string, BatchWork>()
  /** Batches that can't go on, still open: calls in flight may bring answers, which were paid for. */
  const stopped = new Set<string>()
  let closing = false
  let wake = (): void => {}
  let held = false
  let turn = 0

  async function forget(batch: string): Promise<void> {
    const opened = open.get(batch)
    open.delete(batch)
    stopped.delete(batch)
    await opened?.close()
  }

  async function forgetAll(): Promise<void> {
    for (const batch of [...open.keys()]) await forget(batch)
  }

  async function opened(batch: string): Promise<BatchWork | null> {
    const known = open.get(batch)
    if (known !== undefined) return known
    const manifest = await work.directory.manifest(batch)
    if (manifest === null) return null
    const fresh = await openBatchWork(manifest, work)
    open.set(batch, fresh)
    return fresh
  }

  /** Trouble of one batch stops that batch only; other trouble may pass, so the files are opened anew. */
  async function guarded<T>(batch: string, step: (work: BatchWork) => Promise<T>): Promise<T | null> {
    try {
      const target = await opened(batch)
      return target === null ? null : await step(target)
    } catch (error) {
      const trouble = troubleOf(error)
      if (trouble === 'batch' && open.has(batch) && !stopped.has(batch)) stopped.add(batch)
      else await forget(batch)
      switch (trouble) {
        case 'lease':
          throw error
        case 'batch':
          await store.end(batch, 'stopped', (error as Error).message)
          log.error({ batchId: batch, err: error }, 'batch.stopped')
          return null
        case 'passing':
          log.error({ batchId: batch, err: error }, 'batch.trouble')
          onTrouble(`Batch ${batch} can't go on now, and is tried again: ${(error as Error).message}`)
          await pause(TROUBLE_PAUSE_MS)
          return null
      }
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

  /** One chunk of one batch after the other, as long as the queue has room for it. */
  async function feed(batches: readonly string[]): Promise<number> {
    let fed = 0
    for (let dry = 0; dry < batches.length && !closing && (await mayFeed()); ) {
      const batch = batches[turn++ % batches.length] as string
      const count = (await guarded(batch, (target) => target.feed())) ?? 0
      fed += count
      dry = count === 0 ? dry + 1 : 0
    }
    return fed
  }

  async function collectable(): Promise<string[]> {
    const active = await store.active(work.directoryId)
    for (const batch of active) stopped.delete(batch)
    return [...active, ...stopped]
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
      await forgetAll()
      return 0
    }
    const batches = await collectable()
    for (const batch of open.keys()) if (!batches.includes(batch)) await forget(batch)
    let moved = await feed(batches.filter((batch) => !stopped.has(batch)))
    for (const batch of batches) moved += (await guarded(batch, (target) => target.collect())) ?? 0
    return moved
  }

  async function run(): Promise<void> {
    while (!closing) {
      try {
        const moved = await tick()
        if (!closing) await pause(moved > 0 ? 1 : TICK_MS)
      } catch (error) {
        held = false
        await forgetAll().catch((trouble: Error) => log.warn({ err: trouble.message }, 'batch.close_failed'))
        log.warn({ err: (error as Error).message }, 'batch.worker_error')
        if (!closing) await pause(TROUBLE_PAUSE_MS)
      }
    }
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
        if (await lease.hold()) {
          for (const batch of await collectable()) {
            for (let lines = 1; lines > 0; ) lines = (await guarded(batch, (target) => target.collect())) ?? 0
          }
        }
      } finally {
        await forgetAll()
        await lease.release()
      }
    },
  }
}
