import { findDataDirectory } from '../../batches/data-directory.js'
import type { Session } from '../../batches/session.js'
import { placeOfId } from '../../completions/dead-letters/filing.js'
import type { RetryResult } from '../../completions/dead-letters/retry.js'
import { composeEdits, type Edit, parseSet } from '../../completions/edit.js'
import { INBOX_BATCH } from '../../completions/request.js'
import { type Config, loadConfig } from '../../config.js'
import { assertNotReplaced, BatchNotFound, findBatch } from '../batch/find-batch.js'
import type { RetryFlags } from '../commands/dead-letters.js'
import { EXIT, type ExitCode } from '../exit.js'
import { formatCount, formatCounted } from '../text/format.js'
import { choiceOptions } from '../text/letter-choice.js'
import { type Refusals, refusalSentences } from '../text/refusal-words.js'
import { type Visit, visit } from '../visit.js'
import { askFirst } from './ask-first.js'
import { type Chosen, type ChosenLot, choose } from './chosen.js'
import { tellDryRun } from './dry-run.js'
import { eachPortion } from './each-portion.js'
import { batchStates, nextSteps, type Retried } from './next-steps.js'
import { inPortions } from './portions.js'
import { sendableOf } from './sendable.js'
import { tellUnknown } from './unknown.js'

/** What came of a retry so far. */
export interface RetryTally {
  retried: number
  readonly refusals: Record<string, number>
  readonly batches: Map<Session, Set<string>>
}

/**
 * `conduit-batch dead-letters retry`: gives dead letters back to their batches, whose workers call them at their pace.
 * @throws InvalidEdit, ChooseLetters, NotConfirmed, BatchReplaced, BatchNotFound, BatchAmbiguous, UnknownQueue
 */
export async function retryLetters(ids: readonly string[], flags: RetryFlags): Promise<ExitCode> {
  const edit = (flags.set ?? []).map(parseSet).reduce<Edit | null>(composeEdits, null)
  const config = loadConfig(undefined, flags)
  return visit(config, async (visiting) => {
    await assertCurrent(flags, visiting, config)
    const chosen = await choose(ids, flags, visiting, config)
    assertServed(chosen.lots, config)
    if (flags.dryRun) {
      tellDryRun(chosen, 'retried', flags.json === true)
      return EXIT.answered
    }
    await askFirst(chosen.count, 'Retry', flags)
    const tally = newTally()
    const directory = await findDataDirectory(config.dataDirectory)
    const { interrupted } = await inPortions(eachPortion(chosen.lots), async ({ lot, ids: portion }) => {
      const { ids: sendable, lost } = await sendableOf(lot, portion, directory)
      if (lost.length > 0) tally.refusals.input_lost = (tally.refusals.input_lost ?? 0) + lost.length
      if (sendable.length > 0) {
        count(tally, lot.session, sendable, await lot.letters.retry(sendable, edit))
      }
      return `${formatCount(tally.retried)} of ${formatCount(chosen.count)} retried`
    })
    await report(tally, interrupted, chosen, flags)
    const isWhole = chosen.unknown.length === 0 && Object.keys(tally.refusals).length === 0
    return interrupted ? EXIT.interrupted : isWhole ? EXIT.answered : EXIT.failures
  })
}

/** Of a batch that was replaced nothing can be sent again. A batch that nobody knows is told by `choose`. */
async function assertCurrent({ batch }: RetryFlags, visiting: Visit, config: Config): Promise<void> {
  if (batch === undefined) return
  const found = await findBatch(batch, visiting, config).catch((error: unknown) => {
    if (error instanceof BatchNotFound) return null
    throw error
  })
  if (found !== null) assertNotReplaced(found, 'retry-failed')
}

/** Nobody would ever call what goes back to a queue that is not set up. @throws UnknownQueue */
function assertServed(lots: readonly ChosenLot[], config: Config): void {
  for (const { queue, count: letters } of lots) if (letters > 0) config.assertQueue(queue)
}

export function newTally(): RetryTally {
  return { retried: 0, refusals: {}, batches: new Map() }
}

/** Adds what came of one portion. */
export function count(
  tally: RetryTally,
  session: Session,
  ids: Iterable<string>,
  { retried, refused }: RetryResult,
): void {
  tally.retried += retried
  for (const { why } of refused) tally.refusals[why] = (tally.refusals[why] ?? 0) + 1
  const not = new Set(refused.map(({ id }) => id))
  const batches = tally.batches.get(session) ?? new Set<string>()
  for (const id of ids) if (!not.has(id)) batches.add(placeOfId(id)?.batch ?? '')
  if (batches.size > 0) tally.batches.set(session, batches)
}

async function report(
  { retried, refusals, batches }: RetryTally,
  interrupted: boolean,
  chosen: Chosen,
  flags: RetryFlags,
): Promise<void> {
  if (flags.json) {
    const { count: asked, unknown } = chosen
    const object = { chosen: asked, retried, refused: refusals, unknown, interrupted }
    process.stdout.write(`${JSON.stringify({ ...object, batches: await batchStates(batches) })}\n`)
    return
  }
  const lines = [
    ...tellUnknown(chosen.unknown),
    ...retriedWords(retried, batches, interrupted, chosen),
    ...refusalSentences(refusals as Refusals, choiceOptions(flags)),
    ...(await nextSteps(batches as Retried)),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function retriedWords(
  retried: number,
  batches: Retried,
  interrupted: boolean,
  { count: asked, unknown }: Chosen,
): string[] {
  if (interrupted) {
    return [
      `Stopped: ${formatCount(retried)} of ${formatCounted(asked, 'dead letter was', 'dead letters were')} retried. ` +
        'The same command goes on with the others; nothing is sent twice.',
    ]
  }
  if (asked === 0)
    return unknown.length > 0 ? [] : ['No dead letter is like that: there was nothing to retry.']
  if (retried === 0) return ['Nothing was retried.']
  const several = [...batches.values()].reduce((sum, { size }) => sum + size, 0) > 1
  const where = [...batches.values()].some((ids) => ids.has(INBOX_BATCH))
    ? 'the answers land in the files there, those to single requests with whoever enqueued them'
    : 'the answers land in the files there'
  return [
    `${formatCounted(retried, 'dead letter was', 'dead letters were')} given back to ` +
      `${several ? 'their batches' : retried === 1 ? 'its batch' : 'their batch'}; ${where}.`,
  ]
}
