import type { Refusal } from '../../completions/dead-letters/retry.js'
import { formatCounted } from './format.js'
import { suggested } from './suggest.js'

/** How many letters were refused, by reason. */
export type Refusals = Readonly<Partial<Record<Why, number>>>

/** `input_lost`: the input was edited or is gone, as this command saw before it took the letter. */
type Why = Refusal | 'input_lost'

/** A sentence for each reason, with what to do. `choice`: the options that choose the letters, as they are typed. */
export function refusalSentences(refusals: Refusals, choice: string): string[] {
  return (Object.entries(refusals) as [Why, number][]).map(([why, count]) => sentence(why, count, choice))
}

function sentence(why: Why, count: number, choice: string): string {
  const letters = formatCounted(count, 'dead letter', 'dead letters')
  switch (why) {
    case 'not_sendable':
      return (
        `${letters} can't be sent: correct the lines in the input and run it again (it calls ` +
        `only what is new), or: ${suggested(`conduit-batch dead-letters export${choice === '' ? '' : ` ${choice}`} --output FILE`)}, ` +
        `mend the bodies there, then ${suggested('conduit-batch dead-letters import FILE')}`
      )
    case 'input_lost':
      return (
        `${letters} can't be sent: the input was edited since, or is gone. Put the file back as it was; or run the ` +
        'edited file, with the same run or submit command (answers of what is unchanged are kept).'
      )
    case 'ended':
      return (
        `${letters} ${count === 1 ? 'belongs' : 'belong'} to a batch that was ended early or has stopped: run it again ` +
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
