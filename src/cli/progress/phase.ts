import type { HoldNow } from '../../batches/snapshot.js'
import { type EndingState, isEnding, isOver, type OverState } from '../../batches/states.js'
import { isOverdue } from '../text/window-words.js'
import type { ProgressView } from './view.js'

/** What is going on, as a person would say it; exactly one at a time. */
export type Phase =
  | { readonly kind: 'ended'; readonly state: OverState }
  | { readonly kind: 'ending'; readonly state: EndingState }
  | { readonly kind: 'reconnecting' }
  | { readonly kind: 'closing' }
  /** Its completion window is over, and nobody is here who would end it. */
  | { readonly kind: 'overdue' }
  | { readonly kind: 'paused'; readonly holds: readonly [HoldNow, ...HoldNow[]] }
  | { readonly kind: 'probing' }
  | { readonly kind: 'outage'; readonly since: number | null }
  | { readonly kind: 'waiting_for_retries' }
  | { readonly kind: 'no_worker' }
  | { readonly kind: 'running' }

/** The phase of a view; when several things are true at once, the one that a person has to know first. */
export function phaseOf(view: ProgressView): Phase {
  const { batch, queue } = view
  if (isOver(batch.state)) return { kind: 'ended', state: batch.state }
  if (view.connection === 'reconnecting') return { kind: 'reconnecting' }
  if (view.closing) return { kind: 'closing' }
  if (isEnding(batch.state)) return { kind: 'ending', state: batch.state }
  if (view.attached && isOverdue(batch, view.nowMs)) return { kind: 'overdue' }
  const [hold, ...more] = queue.holds
  if (hold !== undefined) return { kind: 'paused', holds: [hold, ...more] }
  if (queue.probing) return { kind: 'probing' }
  if (view.attached && queue.workers === 0) return { kind: 'no_worker' }
  if (queue.pace.state === 'outage') return { kind: 'outage', since: queue.pace.since }
  if (queue.delayed > 0 && queue.waiting === 0 && queue.active === 0) return { kind: 'waiting_for_retries' }
  return { kind: 'running' }
}

/** Requests that need nothing more: answered, or failed for good. Never more than there are. */
export function settledOf({ batch }: ProgressView): number {
  return Math.min(batch.total, batch.completed + batch.failed)
}
