import type { Queue } from 'bullmq'
import type { DeadLetter } from './dead-letter.js'
import { jobId } from './request.js'

/** Puts dead letters into their queue, each under the id of its request, so that adding it again changes nothing. */
export async function bury(queue: Queue, letters: readonly DeadLetter[]): Promise<void> {
  if (letters.length === 0) return
  await queue.addBulk(
    letters.map((letter) => ({ name: letter.code, data: letter, opts: { jobId: jobId(letter) } })),
  )
}
