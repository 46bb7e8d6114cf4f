import { listenForInterruptions } from '../../../workers/interruptions.js'
import { dryRun } from '../../batches/dry-run.js'
import { loadConfig } from '../../config.js'
import { estimateInput } from '../../credits/input-estimate.js'
import { EXIT } from '../exit.js'
import type { SubmitFlags } from '../run/flags.js'
import { createScreen } from '../run/screen.js'
import { showChecking, submissionOf } from '../run/stage.js'
import { type DryRunView, dryRunObject, dryRunWords } from './dry-run-words.js'
import { readEarlier } from './earlier.js'

/**
 * `run --dry-run` and `submit --dry-run`: what the command would hand over, and about what that will take. No call is
 * made, and nothing stays behind.
 *
 * @throws every error that the command itself would have for the input
 */
export async function tellDryRun(
  input: string,
  flags: SubmitFlags,
  refuseUnsendable: boolean,
): Promise<void> {
  const config = loadConfig(undefined, flags)
  config.assertQueue(flags.queue)
  const screen = createScreen()
  const interruptions = listenForInterruptions(async () => {
    screen.close()
    process.exit(EXIT.interrupted)
  })
  try {
    const submission = { ...submissionOf(input, flags.name ?? null, flags, config), refuseUnsendable }
    const found = await dryRun(config.dataDirectory, submission, showChecking(input, screen))
    const earlier = await readEarlier(config, flags.queue, found.known?.batch ?? null)
    const { prices } = config
    const expected = estimateInput(found.sizes, { ...earlier, prices })
    if (earlier.trouble !== null) screen.notice(earlier.trouble)
    const { maxRequests = null, maxCost = null } = flags
    const view: DryRunView = {
      input,
      queue: flags.queue,
      found,
      expected,
      done: earlier.done,
      maxRequests,
      maxCostCents: maxCost,
    }
    screen.close()
    const lines = dryRunWords(view, screen.columns())
    process.stdout.write(flags.json ? `${JSON.stringify(dryRunObject(view))}\n` : `${lines.join('\n')}\n`)
  } finally {
    screen.close()
    interruptions.close()
  }
}
