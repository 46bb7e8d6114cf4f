import type { Suspicion } from '../../admission/suspicion.js'
import type { SuspectMark } from './mark.js'

/** What is known when a suspect comes back. */
export interface SuspectView {
  readonly suspicion: Suspicion
  readonly mark: Pick<SuspectMark, 'times' | 'balanceCents'>
  /** The balance now; null: billing does not tell. */
  readonly balanceCents: number | null
  /** As large requests of its model were answered before. */
  readonly usual: boolean
  /** It is far larger than what is answered. */
  readonly outsized: boolean
}

/**
 * `wait`: nobody knows yet. `again`: it is sent like any other. `empty`: nobody is there to find out, so a person is
 * asked. `unaffordable`: others are answered, and it is not.
 */
export type Judgement = 'wait' | 'again' | 'empty' | 'unaffordable'

/** Nobody wanted a permit for so long, and none was out: there is nobody else. */
export const QUIET_MS = 3000
/** For a request of a size that was answered before: an account that runs empty refuses the large ones first. */
const MOST_TIMES = 3
/** Without a balance. */
const MOST_TIMES_UNSEEN = 2

/** What becomes of a suspect; pure. */
export function judgeSuspect(view: SuspectView): Judgement {
  const { suspicion, mark, balanceCents } = view
  switch (suspicion.kind) {
    case 'pending':
      if (balanceCents !== null && balanceCents <= 0) return 'empty'
      if (suspicion.quietMs < QUIET_MS) return 'wait'
      return view.outsized && balanceCents !== null ? 'unaffordable' : 'empty'
    case 'cleared':
      if (balanceCents === null) return mark.times >= MOST_TIMES_UNSEEN ? 'unaffordable' : 'again'
      // Nothing is left, or it was topped up meanwhile: its refusal says nothing of it.
      if (balanceCents <= 0 || (mark.balanceCents !== null && balanceCents > mark.balanceCents))
        return 'again'
      return view.usual && mark.times < MOST_TIMES ? 'again' : 'unaffordable'
    case 'emptied':
    case 'void':
      return 'again'
  }
}
