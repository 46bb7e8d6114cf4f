import { loadConfig } from '../../config.js'
import type { ListLettersFlags } from '../commands/dead-letters.js'
import { outputCanvas } from '../status/output-canvas.js'
import { type QueueGroup, type QueueLetter, renderGroups, renderLetters } from '../text/dead-letter-list.js'
import type { Canvas } from '../text/layout.js'
import { choiceOptions } from '../text/letter-choice.js'
import { createPaint } from '../text/paint.js'
import { suggested } from '../text/suggest.js'
import { visit } from '../visit.js'
import { type Lot, openLots } from './lots.js'

/**
 * `conduit-batch dead-letters list`: dead letters in groups, or each by itself.
 * @throws BatchNotFound, BatchAmbiguous, UnknownQueue
 */
export async function listLetters(flags: ListLettersFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  await visit(config, async (visiting) => {
    const lots = await openLots(visiting, config, flags)
    if (flags.ids) await listIds(lots, flags)
    else await listGroups(lots, flags)
  })
}

async function listGroups(lots: readonly Lot[], flags: ListLettersFlags): Promise<void> {
  const all = (
    await Promise.all(
      lots.map(async ({ queue, letters, filter }) =>
        (await letters.groups(filter)).map((group) => ({ queue, ...group })),
      ),
    )
  )
    .flat()
    .sort((a, b) => b.count - a.count)
  const total = all.reduce((sum, { count }) => sum + count, 0)
  const groups: QueueGroup[] = all.slice(0, flags.limit)
  const left = all.length - groups.length
  if (flags.json) return writeObject({ total, groups, more: left })
  if (groups.length === 0) return tellNone(flags)
  const view = { groups, left, total, choice: flags, namesQueues: lots.length > 1, nowMs: Date.now() }
  writeLines(renderGroups(view, canvas()))
}

async function listIds(lots: readonly Lot[], flags: ListLettersFlags): Promise<void> {
  const letters: QueueLetter[] = []
  let total = 0
  for (const lot of lots) {
    total += await lot.letters.count(lot.filter)
    letters.push(...(await oldest(lot, flags.limit - letters.length)))
  }
  const left = Math.max(0, total - letters.length)
  if (flags.json) return writeObject({ total, letters: letters.map(asObject), more: left })
  if (letters.length === 0) return tellNone(flags)
  writeLines(renderLetters(letters, left, Date.now(), canvas()))
}

async function oldest({ queue, letters, filter }: Lot, most: number): Promise<QueueLetter[]> {
  const found: QueueLetter[] = []
  if (most <= 0) return found
  for await (const page of letters.find(filter)) {
    const wanted = page.slice(0, most - found.length)
    for (const letter of await letters.getMany(wanted)) found.push({ queue, ...letter })
    if (found.length >= most) break
  }
  return found
}

function asObject({ id, queue, batch, line, customId, model, code, failure, attempts, at }: QueueLetter) {
  const { status, message, requestId } = failure
  return { id, queue, batch, line, customId, model, code, status, message, requestId, attempts, at }
}

function tellNone(flags: ListLettersFlags): void {
  const isChosen = choiceOptions(flags) !== ''
  const none = isChosen
    ? `No dead letter is like that; all of them: ${suggested('conduit-batch dead-letters list')}`
    : 'There is no dead letter: nothing has failed for good.'
  process.stderr.write(`${none}\n`)
}

function canvas(): Canvas {
  const { columns, colour } = outputCanvas()
  return { columns, paint: createPaint(colour) }
}

function writeLines(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

function writeObject(object: object): void {
  process.stdout.write(`${JSON.stringify(object)}\n`)
}
