import { placeOfId } from '../../completions/dead-letters/filing.js'
import type { DeadLetterGroup } from '../../completions/dead-letters/select.js'
import type { Config } from '../../config.js'
import type { DiscardFlags } from '../commands/dead-letters.js'
import { oneLine } from '../text/harmless.js'
import { shellWord } from '../text/shell-word.js'
import { suggested } from '../text/suggest.js'
import type { Visit } from '../visit.js'
import { type Lot, openLots } from './lots.js'

/** Nobody said which dead letters are meant, or not in a way that can be understood. */
export class ChooseLetters extends Error {
  readonly code = 'choose_letters'
}

/** Dead letters of one queue that are to be changed. */
export interface ChosenLot extends Lot {
  readonly groups: readonly DeadLetterGroup[]
  readonly count: number
}

export interface Chosen {
  readonly lots: readonly ChosenLot[]
  readonly count: number
  /** Ids that were named, and are nowhere. */
  readonly unknown: readonly string[]
}

/**
 * What the command is about, counted.
 * @throws ChooseLetters, BatchNotFound, BatchAmbiguous, UnknownQueue
 */
export async function choose(
  ids: readonly string[],
  flags: DiscardFlags,
  visiting: Visit,
  config: Config,
): Promise<Chosen> {
  assertChoice(ids, flags)
  const wanted = [...new Set(ids)]
  const unknown = new Set(wanted)
  const lots: ChosenLot[] = []
  for (const lot of await openLots(visiting, config, flags)) {
    const filter = wanted.length === 0 ? lot.filter : { ...lot.filter, ids: wanted }
    if (wanted.length > 0) for (const { id } of await lot.letters.getMany(wanted)) unknown.delete(id)
    const groups = await lot.letters.groups(filter)
    const count = groups.reduce((sum, group) => sum + group.count, 0)
    lots.push({ ...lot, filter, groups, count })
  }
  return { lots, count: lots.reduce((sum, lot) => sum + lot.count, 0), unknown: [...unknown] }
}

function assertChoice(ids: readonly string[], flags: DiscardFlags): void {
  const { batch, code, model, olderThan, all } = flags
  const isFiltered = [batch, code, model, olderThan].some((value) => value !== undefined)
  const wrong = ids.find((id) => placeOfId(id) === null)
  if (wrong !== undefined) {
    throw new ChooseLetters(
      `${shellWord(oneLine(wrong))} is no id of a dead letter. They are shown by: ${suggested('conduit-batch dead-letters list --ids')}`,
    )
  }
  if (all && (isFiltered || ids.length > 0)) {
    throw new ChooseLetters(
      '--all means every dead letter: leave out the ids and options that choose some of them.',
    )
  }
  if (all || isFiltered || ids.length > 0) return
  throw new ChooseLetters(
    'Which dead letters? Name their ids, or choose with --batch, --code, --model or --older-than (those that fit ' +
      `all of these), or say --all. What there is: ${suggested('conduit-batch dead-letters list')}`,
  )
}
