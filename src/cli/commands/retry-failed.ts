import { Command } from 'commander'
import { addConfigurationOptions } from '../common-options.js'
import { LETTERS_EXIT, type Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { changeOptions, collect, type RetryFlags, SET, SET_WORDS } from './dead-letters.js'

const MANUAL: Manual = {
  description: [
    'Sends every request of the batch that failed again: each gets a new set of attempts, and its answer joins the ' +
      'others. When all have ended, the files of the batch are whole again. It can be interrupted and repeated; no ' +
      'request is sent twice by that.',
    '--set changes the body before: body.FIELD=VALUE, with dots for fields within fields. A value is JSON where it is ' +
      'JSON, else a text. Lines that were never a request can not be sent so: mend the file, and run it again, or see dead-letters import.',
  ],
  examples: [
    { type: 'conduit-batch retry-failed b82926d785cbb' },
    { type: 'conduit-batch retry-failed nightly --dry-run', for: 'only counts' },
    { type: 'conduit-batch retry-failed nightly --set body.model=gpt-4o-mini --set body.temperature=0' },
  ],
  exitStatus: LETTERS_EXIT,
  seeAlso: ['dead-letters retry', 'results', 'status'],
}

/** `conduit-batch retry-failed`: sends again what failed; `dead-letters retry` of one batch. */
export function retryFailedCommand(): Command {
  const command = new Command('retry-failed')
    .description('send the requests of a batch that failed again')
    .argument('<batch>', 'its id, the beginning of it, or its name')
    .option(SET, SET_WORDS, collect)
  return changeOptions(addConfigurationOptions(withManual(command, MANUAL))).action(
    async (batch: string, flags: RetryFlags) => {
      const { retryLetters } = await import('../dead-letters/retry.js')
      process.exitCode = await retryLetters([], { ...flags, batch })
    },
  )
}
