import type { Queue } from 'bullmq'

const AT_ONCE = 100

/** Removes the jobs of a batch that wait. One that a worker has just taken stays: it leaves by its verdict. */
export async function removeJobs(batch: string, queue: Queue): Promise<void> {
  const waiting = await queue.getRanges(['wait', 'prioritized', 'delayed'], 0, -1)
  const own = waiting.filter((id) => id.startsWith(`${batch}-`))
  for (let at = 0; at < own.length; at += AT_ONCE) {
    await Promise.all(own.slice(at, at + AT_ONCE).map((id) => queue.remove(id)))
  }
}
