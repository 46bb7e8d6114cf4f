/**
 * Every state of a batch. `cancelling` and `expiring`: no further call starts, and what is open becomes error lines;
 * `stopped`: it can't go on by itself (its input was edited, or the brake was pulled), `reason` says why; `replaced`:
 * another batch has taken its output. The scripts know these words too (register, end, ending/*, record, retry).
 */
export type BatchState = 'running' | EndingState | OverState

/** On the way to an end that somebody, or the clock, has asked for. */
export type EndingState = 'cancelling' | 'expiring'

/** Nothing of it goes on by itself, but for answers of calls that were in flight. */
export type OverState = 'stopped' | 'replaced' | 'cancelled' | 'expired' | 'completed'

const KINDS: Readonly<Record<BatchState, 'running' | 'ending' | 'over'>> = {
  running: 'running',
  cancelling: 'ending',
  expiring: 'ending',
  stopped: 'over',
  replaced: 'over',
  cancelled: 'over',
  expired: 'over',
  completed: 'over',
}

/** All of them, in the order in which a batch may go through them. */
export const BATCH_STATES = Object.keys(KINDS) as readonly BatchState[]

/** Whether a batch is on the way to an early end. */
export function isEnding(state: BatchState): state is EndingState {
  return KINDS[state] === 'ending'
}

/** Whether nothing of a batch goes on by itself any more. */
export function isOver(state: BatchState): state is OverState {
  return KINDS[state] === 'over'
}

/** What an early end comes to. */
export function endOf(state: EndingState): 'cancelled' | 'expired' {
  return state === 'cancelling' ? 'cancelled' : 'expired'
}
