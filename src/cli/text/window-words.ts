import type { BatchSnapshot } from '../../batches/snapshot.js'
import { formatEstimate } from './format.js'
import { workCommand } from './workers-words.js'

/** How long a completion window lasts: `3 h 20 min left`, or `over`. Unix ms. */
export function windowWords(expiresAt: number, nowMs: number): string {
  return expiresAt > nowMs ? `${formatEstimate(expiresAt - nowMs)} left` : 'over'
}

/** Whether a batch runs on paper only: its window is over, and nobody has ended it yet. */
export function isOverdue({ state, expiresAt }: BatchSnapshot, nowMs: number): boolean {
  return state === 'running' && expiresAt !== null && expiresAt <= nowMs
}

/** What is left to do for a batch that is overdue, and who does it. */
export function overdueWords(): string {
  return (
    'Its completion window is over. Any worker will only write what is not finished as batch_expired lines. ' +
    `Start one: ${workCommand()}`
  )
}
