import type { StoredDeadLetter } from '../../completions/dead-letters/dead-letter.js'
import type { DeadLetterGroup } from '../../completions/dead-letters/select.js'
import { codeAdvice, retryCommand } from './code-advice.js'
import { formatCount, formatCounted, formatDuration, formatMoment } from './format.js'
import { oneLine } from './harmless.js'
import type { Canvas } from './layout.js'
import { choiceOptions, type LetterChoice } from './letter-choice.js'
import { suggested } from './suggest.js'
import { type Column, table } from './table.js'
import { displayWidth, truncate } from './width.js'
import { wrap } from './wrap.js'

/** A group, and the queue it lies in. */
export interface QueueGroup extends DeadLetterGroup {
  readonly queue: string
}

/** A letter, and the queue it lies in. */
export interface QueueLetter extends StoredDeadLetter {
  readonly queue: string
}

export interface GroupsView {
  readonly groups: readonly QueueGroup[]
  /** Groups that are not shown. */
  readonly left: number
  readonly total: number
  /** What was asked for. */
  readonly choice: LetterChoice
  /** Queues are named where there are several. */
  readonly namesQueues: boolean
  /** Unix milliseconds. */
  readonly nowMs: number
}

const LONGEST_MESSAGE = 60
const MOST_FIELDS = 5

/** What `dead-letters list` prints: groups, the largest first, and what to type next. */
export function renderGroups(view: GroupsView, canvas: Canvas): string[] {
  const { groups, left, total, choice } = view
  const width = Math.max(0, ...groups.map(({ count }) => formatCount(count).length))
  return [
    canvas.paint('strong', `${formatCounted(total, 'dead letter', 'dead letters')}`),
    '',
    ...groups.flatMap((group) => groupLines(group, width, view, canvas)),
    ...(left > 0
      ? [canvas.paint('faint', `… and ${formatCounted(left, 'more kind', 'more kinds')} (--limit)`)]
      : []),
    ...(groups[0] === undefined ? [] : nextCommands(groups[0], choice, canvas)),
  ]
}

function groupLines(group: QueueGroup, width: number, view: GroupsView, canvas: Canvas): string[] {
  const { code, message, fields, count, oldestAt, newestAt, example, queue } = group
  const indent = ' '.repeat(width + 2)
  const shown = fields.slice(0, MOST_FIELDS).map(oneLine)
  const named = fields.length > shown.length ? [...shown, '…'] : shown
  const facts = [
    ...(named.length === 0 ? [] : [`fields ${named.join(', ')}`]),
    timeWords(oldestAt, newestAt, view.nowMs),
    `for example ${example}`,
    ...(view.namesQueues ? [`queue ${queue}`] : []),
  ]
  const room = canvas.columns - indent.length
  return [
    `${formatCount(count).padStart(width)}  ${canvas.paint('strong', truncate(oneLine(code), room))}`,
    ...wrap(oneLine(message), room).map((line) => indent + line),
    ...wrap(facts.join('; '), room, facts).map((line) => indent + canvas.paint('faint', line)),
    '',
  ]
}

function timeWords(oldestAt: number, newestAt: number, nowMs: number): string {
  const last = `${formatDuration(nowMs - newestAt)} ago`
  if (oldestAt === newestAt) return last
  return `since ${formatMoment(oldestAt, nowMs)}, last ${last}`
}

function nextCommands({ code, example }: QueueGroup, choice: LetterChoice, { paint }: Canvas): string[] {
  const advice = codeAdvice(code, null)
  const options = choiceOptions({ ...choice, code: oneLine(code) })
  const commands: [string, string][] = [
    ['See one', suggested(`conduit-batch dead-letters show ${example}`)],
    advice.set === null
      ? ['Take them out to mend', suggested(`conduit-batch dead-letters export ${options} --output FILE`)]
      : ['Send them again', retryCommand(options, advice)],
  ]
  const column = Math.max(...commands.map(([what]) => displayWidth(what))) + 2
  return commands.map(([what, command]) => `${`${what}:`.padEnd(column)}${paint('command', command)}`)
}

/** What `dead-letters list --ids` prints. `left`: how many there are beyond those. */
export function renderLetters(
  letters: readonly QueueLetter[],
  left: number,
  nowMs: number,
  canvas: Canvas,
): string[] {
  const [heading = '', ...lines] = table(letters, columnsAt(nowMs), canvas.columns)
  const { paint } = canvas
  const first = letters[0]
  return [
    paint('faint', heading),
    ...lines,
    ...(left > 0 ? [paint('faint', `… and ${formatCount(left)} newer (--limit shows more)`)] : []),
    '',
    ...(first === undefined
      ? []
      : [
          `See one:    ${paint('command', suggested(`conduit-batch dead-letters show ${first.id}`))}`,
          `Send again: ${paint('command', suggested(`conduit-batch dead-letters retry ${first.id}`))}`,
        ]),
  ]
}

function columnsAt(nowMs: number): Column<QueueLetter>[] {
  return [
    { heading: 'ID', align: 'left', dispensable: 0, text: ({ id }) => id },
    {
      heading: 'CUSTOM ID',
      align: 'left',
      dispensable: 2,
      text: ({ customId }) => truncate(oneLine(customId ?? '–'), 24),
    },
    { heading: 'CODE', align: 'left', dispensable: 1, text: ({ code }) => truncate(oneLine(code), 32) },
    {
      heading: 'DIED',
      align: 'right',
      dispensable: 4,
      text: ({ at }) => `${formatDuration(nowMs - at)} ago`,
    },
    {
      heading: 'MESSAGE',
      align: 'left',
      dispensable: 3,
      text: ({ failure }) => truncate(oneLine(failure.message), LONGEST_MESSAGE),
    },
  ]
}
