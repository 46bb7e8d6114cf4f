import type { QueueSnapshot } from '../../batches/snapshot.js'
import { formatCounted } from './format.js'
import { suggested } from './suggest.js'

/** The command that starts workers. */
export function workCommand(): string {
  return suggested('conduit-batch work')
}

/** Who works on a queue, in a sentence; the command to type when nobody does. */
export function workersSentence({ queue, workers }: Pick<QueueSnapshot, 'queue' | 'workers'>): string {
  const name = queue === 'default' ? 'the queue' : `queue ${queue}`
  if (workers === 0) return `No worker serves ${name} now. Start one: ${workCommand()}`
  return `${formatCounted(workers, 'worker serves', 'workers serve')} ${name} already.`
}
