import type { BatchSnapshot, QueuePace, QueueSnapshot } from '../../batches/snapshot.js'
import { askedBlock } from './asked-words.js'
import { creditsLines } from './credits-words.js'
import { formatCount, formatCounted, formatDuration, formatPercent } from './format.js'
import { oneLine } from './harmless.js'
import { type Canvas, labelled, paragraph } from './layout.js'
import { limitWords, OUTAGE_REST, outageHeadline, refusedWords, speedWords } from './pace-words.js'
import { createPaint } from './paint.js'
import { pauseBlock } from './pause-block.js'
import { suggested } from './suggest.js'
import { type Column, table } from './table.js'
import { displayWidth, truncate } from './width.js'

const WIDEST_TEXT_COLUMNS = 100
const WIDEST_NAME_COLUMNS = 36
const START = 'conduit-batch run prompts.jsonl'

/** What `conduit-batch status` prints, as lines of at most `columns` (20 or more). `nowMs` in Unix ms. */
export function renderStatus(
  queues: readonly QueueSnapshot[],
  batches: readonly BatchSnapshot[],
  nowMs: number,
  columns: number,
  colour = false,
): string[] {
  const paint = createPaint(colour)
  const canvas: Canvas = { columns: Math.min(columns, WIDEST_TEXT_COLUMNS), paint }
  return [
    ...queues.flatMap((queue) => ['', ...queueLines(queue, nowMs, canvas)]),
    '',
    ...batchLines(queues, batches, nowMs, { columns, paint }),
    ...batches
      .map((batch) => askedBlock(batch, canvas))
      .flatMap((lines) => (lines.length === 0 ? [] : ['', ...lines])),
    '',
  ]
}

function queueLines(queue: QueueSnapshot, nowMs: number, canvas: Canvas): string[] {
  const name = oneLine(queue.queue)
  const held = queue.holds.length > 0
  // Then the block of the pause tells about the credits.
  const isEmptyAccount = queue.holds.some(({ reason }) => reason === 'credits')
  const gate = held ? 'held' : queue.probing ? 'reopening: one call goes first' : 'open'
  const look = { labelTone: 'strong', tone: held ? 'alert' : queue.probing ? 'waiting' : 'good' } as const
  return [
    ...labelled('Queue', `${name}, ${gate}`, canvas, look),
    ...labelled('', queueFigures(queue), canvas),
    ...labelled('Pace', paceFigures(queue.pace, nowMs), canvas),
    ...(isEmptyAccount ? [] : creditsLines(queue.forecast, !held, canvas)),
    ...outageLines(queue, nowMs, canvas),
    ...queue.holds.flatMap((hold, index) => [
      '',
      ...pauseBlock(hold, queue.queue, nowMs, canvas, index === 0 ? 'PAUSED' : 'AND', queue.forecast),
    ]),
  ]
}

function queueFigures({ waiting, delayed, workers }: QueueSnapshot): string {
  return [
    formatCounted(workers, 'worker', 'workers'),
    `${formatCount(waiting)} ready`,
    `${formatCount(delayed)} to retry`,
  ].join(', ')
}

function paceFigures(pace: QueuePace, nowMs: number): string {
  const { inFlight, concurrency, leased } = pace
  const calls = `${formatCount(inFlight)} in flight${concurrency > 0 ? ` of at most ${formatCount(concurrency)}` : ''}`
  const held = leased > 0 ? `${formatCount(leased)} about to go` : null
  return [speedWords(pace, nowMs), limitWords(pace), calls, held, refusedWords(pace)]
    .filter((words) => words !== null)
    .join(', ')
}

function outageLines(
  { pace: { state, since }, holds }: QueueSnapshot,
  nowMs: number,
  canvas: Canvas,
): string[] {
  // While it is held no call asks for Conduit, and a person has something to do.
  if (state !== 'outage' || holds.length > 0) return []
  return labelled('OUTAGE', `${outageHeadline(since, nowMs)} ${OUTAGE_REST}`, canvas, { labelTone: 'alert' })
}

function batchLines(
  queues: readonly QueueSnapshot[],
  batches: readonly BatchSnapshot[],
  nowMs: number,
  canvas: Canvas,
): string[] {
  if (batches.length === 0) {
    const start = suggested(START)
    return paragraph(`There is no batch yet. Start one: ${start}`, canvas, { commands: [start] })
  }
  const heldQueues = new Set(queues.filter(({ holds }) => holds.length > 0).map(({ queue }) => queue))
  const newestFirst = batches.toSorted((a, b) => b.createdAt - a.createdAt)
  const [heading = '', ...rows] = table(newestFirst, batchColumns(heldQueues, nowMs), canvas.columns - 2)
  return [`  ${canvas.paint('faint', heading)}`, ...rows.map((row) => `  ${row}`)]
}

function batchColumns(heldQueues: ReadonlySet<string>, nowMs: number): Column<BatchSnapshot>[] {
  return [
    { heading: 'BATCH', align: 'left', dispensable: 0, text: ({ batch }) => short(batch) },
    { heading: 'STATE', align: 'left', dispensable: 0, text: (batch) => stateWord(batch, heldQueues) },
    { heading: 'DONE', align: 'right', dispensable: 0, text: (batch) => donePercent(batch) },
    { heading: 'ANSWERED', align: 'right', dispensable: 3, text: ({ completed }) => formatCount(completed) },
    { heading: 'FAILED', align: 'right', dispensable: 1, text: ({ failed }) => formatCount(failed) },
    { heading: 'OF', align: 'right', dispensable: 3, text: ({ total }) => formatCount(total) },
    { heading: 'QUEUE', align: 'left', dispensable: 4, text: ({ queue }) => short(queue) },
    { heading: 'STARTED', align: 'right', dispensable: 5, text: ({ createdAt }) => ago(createdAt, nowMs) },
    { heading: 'INPUT', align: 'left', dispensable: 2, text: ({ input }) => endOf(input) },
  ]
}

/** A name, cut where it is longer than a column. */
export function short(name: string): string {
  return truncate(oneLine(name), WIDEST_NAME_COLUMNS)
}

/** Paths differ at their end. */
export function endOf(path: string): string {
  const characters = [...oneLine(path)]
  while (displayWidth(characters.join('')) > WIDEST_NAME_COLUMNS) characters.splice(0, 2, '…')
  return characters.join('')
}

function donePercent({ completed, failed, total, state }: BatchSnapshot): string {
  if (total === 0 && state === 'running') return '–'
  return formatPercent(completed + failed, total)
}

function stateWord({ state, queue }: BatchSnapshot, heldQueues: ReadonlySet<string>): string {
  return state === 'running' && heldQueues.has(queue) ? 'paused' : state
}

function ago(momentMs: number, nowMs: number): string {
  return `${formatDuration(nowMs - momentMs)} ago`
}
