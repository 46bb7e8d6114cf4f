import type { Refusal } from '../../completions/dead-letters/retry.js'
import { formatCounted } from './format.js'
import { suggested } from './suggest.js'

/** How many letters were refused, by reason. */
export type Refusals = Readonly<Partial<Record<Refusal, number>>>

/** A sentence for each reason, with what to do. `choice`: the options that choose the letters, as they are typed. */
export function refusalSentences(refusals: Refusals, choice: string): string[] {
  return (Object.entries(refusals) as [Refusal, number][]).map(([why, count]) => sentence(why, count, choice))
}

function sentence(why: Refusal, count: number, choice: string): string {
  const letters = formatCounted(count, 'dead letter', 'dead letters')
  switch (why) {
    case 'not_sendable':
      return (
        `${letters} can't be sent: correct the lines in the input and run it again (it calls ` +
        `only what is new), or: ${suggested(`conduit-batch dead-letters export${choice === '' ? '' : ` ${choice}`} --output FILE`)}, ` +
        `mend the bodies there, then ${suggested('conduit-batch dead-letters import FILE')}`
      )
    case 'ended':
      return (
        `${letters} ${count === 1 ? 'belongs' : 'belong'} to a batch that was cancelled or has stopped: run it again ` +
        `first, with the same run or submit command (it calls no answer again). Which: ${suggested('conduit-batch list')}`
      )
    case 'gone':
      return (
        `${letters} ${count === 1 ? 'belongs' : 'belong'} to a batch that Redis has forgotten: run it again, with the ` +
        `same run or submit command, or drop them: ${suggested('conduit-batch dead-letters discard')}`
      )
    case 'not_there':
      return `${letters} ${count === 1 ? 'is' : 'are'} not there any more: retried or discarded meanwhile.`
  }
}
