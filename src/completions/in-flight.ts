import type { Queue } from 'bullmq'

/**
 * How many jobs of a batch workers have: each makes its call, or will ask first whether it may. BullMQ gives the first
 * two ids where it is not asked for all.
 */
export async function inFlightOf(batch: string, queue: Queue): Promise<number> {
  const active = await queue.getRanges(['active'], 0, -1)
  return active.filter((id) => id.startsWith(`${batch}-`)).length
}
