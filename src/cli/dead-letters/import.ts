import { type DataDirectory, findDataDirectory } from '../../batches/data-directory.js'
import type { Refusal, RetryResult } from '../../completions/dead-letters/retry.js'
import type { Edit } from '../../completions/edit.js'
import { loadConfig } from '../../config.js'
import type { ImportFlags } from '../commands/dead-letters.js'
import { EXIT, type ExitCode } from '../exit.js'
import { formatCount, formatCounted } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { visit } from '../visit.js'
import { type ImportLine, importLines, type RefusedLine } from './import-lines.js'
import { type Lot, openLots } from './lots.js'
import { batchStates, nextSteps } from './next-steps.js'
import { inPortions } from './portions.js'
import { count, newTally, type RetryTally } from './retry.js'
import { sendableOf } from './sendable.js'

/** Lines that are named one by one. */
const MOST_NAMED = 20

interface ImportTally extends RetryTally {
  refusedLines: number
  /** The first of them. */
  readonly named: RefusedLine[]
}

/**
 * `conduit-batch dead-letters import`: retries dead letters with the bodies that stand in a file. Again it changes
 * nothing: what was retried is no dead letter any more.
 * @throws InputNotFound, InputUnreadable, UnknownQueue
 */
export async function importLetters(file: string, flags: ImportFlags): Promise<ExitCode> {
  const config = loadConfig(undefined, flags)
  return visit(config, async (visiting) => {
    const { queue } = flags
    if (queue !== undefined) config.assertQueue(queue)
    const lots = await openLots(visiting, config, queue === undefined ? {} : { queue })
    const directory = await findDataDirectory(config.dataDirectory)
    const tally: ImportTally = { ...newTally(), refusedLines: 0, named: [] }
    const { interrupted } = await inPortions(importLines(file), async ({ lines, refused }) => {
      for (const line of refused) refuse(tally, line)
      await retryLines(lines, lots, flags.dryRun === true, directory, tally)
      return `${formatCounted(tally.retried, 'line', 'lines')} retried, ${formatCount(tally.refusedLines)} refused`
    })
    await report(tally, interrupted, file, flags)
    if (interrupted) return EXIT.interrupted
    return tally.refusedLines > 0 ? EXIT.failures : EXIT.answered
  })
}

async function retryLines(
  lines: readonly ImportLine[],
  lots: readonly Lot[],
  dryRun: boolean,
  directory: DataDirectory | null,
  tally: ImportTally,
): Promise<void> {
  const left = new Map(lines.map((line) => [line.id, line]))
  for (const { session, letters } of lots) {
    if (left.size === 0) return
    const own = await letters.getMany([...left.keys()])
    if (own.length === 0) continue
    const { ids, lost } = await sendableOf(
      { session, letters },
      own.map(({ id }) => id),
      directory,
    )
    for (const id of lost) refuse(tally, { line: left.get(id)?.line ?? 0, why: inputLost(id) })
    const edits = new Map<string, Edit>()
    for (const id of ids) edits.set(id, { body: { ...left.get(id)?.body } })
    const result: RetryResult = dryRun ? { retried: ids.length, refused: [] } : await letters.retryEach(edits)
    count(tally, session, dryRun ? [] : edits.keys(), result)
    for (const { id, why } of result.refused)
      refuse(tally, { line: left.get(id)?.line ?? 0, why: reasonOf(why, id) })
    for (const { id } of own) left.delete(id)
  }
  for (const { line, id } of left.values()) refuse(tally, { line, why: reasonOf('not_there', id) })
}

function refuse(tally: ImportTally, line: RefusedLine): void {
  tally.refusedLines++
  if (tally.named.length < MOST_NAMED) tally.named.push(line)
}

function inputLost(id: string): string {
  return (
    `the input of ${id} was edited since, or is gone: put the file back as it was, or run the edited file with the ` +
    'same run or submit command'
  )
}

function reasonOf(why: Refusal, id: string): string {
  switch (why) {
    case 'not_there':
      return `there is no dead letter ${id} (any more): it was retried or discarded`
    case 'ended':
      return `the batch of ${id} was cancelled or has stopped: run it again first, with the same run or submit command`
    case 'gone':
      return `Redis has forgotten the batch of ${id}: run it again, with the same run or submit command`
    case 'not_sendable':
      return `no call can be made of ${id} with this body`
  }
}

async function report(
  tally: ImportTally,
  interrupted: boolean,
  file: string,
  { json, dryRun }: ImportFlags,
): Promise<void> {
  const { retried, refusedLines, named, batches } = tally
  if (json) {
    const object = { retried, refused: refusedLines, lines: named, dryRun: dryRun === true, interrupted }
    process.stdout.write(`${JSON.stringify({ ...object, batches: await batchStates(batches) })}\n`)
    return
  }
  const name = file === '-' ? 'stdin' : oneLine(file)
  const more = refusedLines - named.length
  const troubles = [
    ...[...named].sort((a, b) => a.line - b.line).map(({ line, why }) => `${name}, line ${line}: ${why}`),
    ...(more > 0 ? [`… and ${formatCounted(more, 'more line', 'more lines')}.`] : []),
  ]
  if (troubles.length > 0) process.stderr.write(`${troubles.join('\n')}\n`)
  const lines = [summary(tally, interrupted, dryRun === true), ...(await nextSteps(batches))]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function summary({ retried, refusedLines }: ImportTally, interrupted: boolean, dryRun: boolean): string {
  const letters = formatCounted(retried, 'dead letter', 'dead letters')
  const refused = refusedLines === 0 ? '' : `; ${formatCounted(refusedLines, 'line', 'lines')} refused`
  if (dryRun)
    return `${letters} would be retried with the bodies of the file${refused}. Without --dry-run they are.`
  if (interrupted)
    return `Stopped: ${letters} retried so far${refused}. The same command goes on with the others.`
  return `${letters} retried with the bodies of the file${refused}.`
}
