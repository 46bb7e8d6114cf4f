import { loadConfig } from '../../config.js'
import type { DiscardFlags } from '../commands/dead-letters.js'
import { EXIT, type ExitCode } from '../exit.js'
import { formatCount, formatCounted } from '../text/format.js'
import { visit } from '../visit.js'
import { askBeforeDiscard } from './ask-first.js'
import { type Chosen, choose } from './chosen.js'
import { tellDryRun } from './dry-run.js'
import { eachPortion } from './each-portion.js'
import { inPortions } from './portions.js'
import { tellUnknown } from './unknown.js'

/**
 * `conduit-batch dead-letters discard`: drops dead letters; what the files of their batches say of them stays.
 * @throws ChooseLetters, NotConfirmed, BatchNotFound, BatchAmbiguous, UnknownQueue
 */
export async function discardLetters(ids: readonly string[], flags: DiscardFlags): Promise<ExitCode> {
  const config = loadConfig(undefined, flags)
  return visit(config, async (visiting) => {
    const chosen = await choose(ids, flags, visiting, config)
    if (flags.dryRun) {
      tellDryRun(chosen, 'discarded', flags.json === true)
      return EXIT.answered
    }
    await askBeforeDiscard(chosen.count, flags)
    let discarded = 0
    const { interrupted } = await inPortions(eachPortion(chosen.lots), async ({ lot, ids: portion }) => {
      discarded += await lot.letters.discard(portion)
      return `${formatCount(discarded)} of ${formatCount(chosen.count)} discarded`
    })
    report(discarded, interrupted, chosen, flags)
    return interrupted ? EXIT.interrupted : chosen.unknown.length > 0 ? EXIT.failures : EXIT.answered
  })
}

function report(discarded: number, interrupted: boolean, chosen: Chosen, flags: DiscardFlags): void {
  const { count, unknown } = chosen
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ chosen: count, discarded, unknown, interrupted })}\n`)
    return
  }
  const what = formatCounted(discarded, 'dead letter was', 'dead letters were')
  const lines = [...tellUnknown(unknown)]
  if (interrupted)
    lines.push(`Stopped: ${what} discarded of ${formatCount(count)}. The same command goes on.`)
  else if (count > 0) lines.push(`${what} discarded. What the files of the batches say of them stays.`)
  else if (unknown.length === 0) lines.push('No dead letter is like that: there was nothing to discard.')
  process.stdout.write(`${lines.join('\n')}\n`)
}
