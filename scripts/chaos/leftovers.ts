import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from './world.js'

/** What belongs to the queue, not to a batch: it stays, and does not grow with the batches. */
const OF_THE_QUEUE = [
  /:(gate|pace|incidents|gauges|workers|usage|credits|credits-look|channels)$/,
  /:queues$/,
  /:lease:[0-9a-f]+:count$/,
  /:(completions|dead-letters|alerts):(meta|id|events|marker|pc|stalled-check)$/,
  // Alerts are kept for 30 days, so that one which is enqueued again after a crash is known.
  /:alerts:(completed|i-[^:]*)$/,
]

/** Purges the batch, and tells what is left of it in Redis and on the disk. */
export async function leftAfterPurge(
  { admin, keys, outputs, command }: World,
  batch: string,
): Promise<string[]> {
  const purged = await command('purge', batch, '--yes', '--json')
  if (purged.code !== 0) return [`purge failed: ${purged.stderr}`]
  const left: string[] = []
  for (const key of await admin.keys('*')) {
    if (OF_THE_QUEUE.some((pattern) => pattern.test(key))) continue
    // That of a process which was killed runs out by itself.
    if (/:lease:[0-9a-f]+$/.test(key) && (await admin.pttl(key)) > 0) continue
    left.push(key)
  }
  const lived = await admin.zcard(keys.workers)
  const directory = join(outputs.place, '.conduit-batch', 'batches')
  const files = existsSync(directory) ? readdirSync(directory) : []
  return [
    ...left.map((key) => `left in Redis after the purge: ${key}`),
    ...files.map((name) => `left on the disk after the purge: ${name}`),
    ...(lived > 0 ? [`${lived} processes that have ended are still in ${keys.workers}`] : []),
  ]
}
