import { portionsOf } from '../../completions/dead-letters/filing.js'
import type { ChosenLot } from './chosen.js'

/** Ids of one queue, few enough to be changed at once. */
export interface LotPortion {
  readonly lot: ChosenLot
  readonly ids: readonly string[]
}

/** The dead letters that were chosen, the oldest of a queue first. */
export async function* eachPortion(lots: readonly ChosenLot[]): AsyncGenerator<LotPortion> {
  for (const lot of lots) {
    // What a crash left of an earlier change.
    await lot.letters.sweep()
    for await (const page of lot.letters.find(lot.filter)) {
      for (const ids of portionsOf(page)) yield { lot, ids }
    }
  }
}
