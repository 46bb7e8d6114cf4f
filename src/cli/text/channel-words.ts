import type { ChannelHealth } from '../../alerts/channel-health.js'
import { formatCount, formatDuration } from './format.js'
import { oneLine } from './harmless.js'
import { type Canvas, labelled } from './layout.js'
import { createPaint } from './paint.js'
import { suggested } from './suggest.js'
import { type Column, table } from './table.js'

const DAY_MS = 24 * 3_600_000
const WIDEST_COLUMNS = 100

/** One line of `alerts list`; null: it has not been used yet. */
export interface ChannelRow {
  readonly queue: string
  readonly name: string
  readonly type: string
  readonly health: ChannelHealth | null
}

/** What `conduit-batch alerts list` prints. */
export function renderChannels(rows: readonly ChannelRow[], nowMs: number, canvas: Canvas): string[] {
  const [heading = '', ...lines] = table(rows, columnsAt(nowMs), canvas.columns)
  return [canvas.paint('faint', heading), ...lines]
}

function columnsAt(nowMs: number): Column<ChannelRow>[] {
  const ago = (at: number | null | undefined) => (at == null ? '–' : `${formatDuration(nowMs - at)} ago`)
  return [
    { heading: 'CHANNEL', align: 'left', dispensable: 0, text: ({ name }) => name },
    { heading: 'TYPE', align: 'left', dispensable: 3, text: ({ type }) => type },
    { heading: 'QUEUE', align: 'left', dispensable: 1, text: ({ queue }) => queue },
    { heading: 'STATE', align: 'left', dispensable: 0, text: ({ health }) => stateOf(health) },
    { heading: 'DELIVERED', align: 'right', dispensable: 2, text: ({ health }) => ago(health?.deliveredAt) },
    { heading: 'FAILED', align: 'right', dispensable: 4, text: ({ health }) => ago(health?.failedAt) },
    { heading: 'WHY', align: 'left', dispensable: 5, text: ({ health }) => oneLine(health?.why ?? '') },
  ]
}

function stateOf(health: ChannelHealth | null): string {
  if (health === null) return 'not used yet'
  return health.failuresInRow > 0 ? 'fails' : 'works'
}

/** What is still tried again has failed within a day; what failed before that tells of the past. */
export function failsNow({ failuresInRow, failedAt }: ChannelHealth, nowMs: number): boolean {
  return failuresInRow > 0 && failedAt !== null && nowMs - failedAt < DAY_MS
}

/** That a channel fails, since when it works no more, and why. */
export function failureWords(
  { channel, why, failuresInRow, deliveredAt }: ChannelHealth,
  nowMs: number,
): string {
  const since =
    deliveredAt === null ? 'it never worked' : `it last worked ${formatDuration(nowMs - deliveredAt)} ago`
  const times = failuresInRow === 1 ? 'once' : `${formatCount(failuresInRow)} times in a row`
  return `${oneLine(channel)} fails: ${oneLine(why ?? 'unknown')} (${times}; ${since})`
}

/** What `status` says of channels that fail; nothing while none does. */
export function failingChannelLines(
  failing: readonly (ChannelHealth & { readonly queue: string })[],
  nowMs: number,
  columns: number,
  colour: boolean,
): string[] {
  if (failing.length === 0) return []
  const canvas: Canvas = { columns: Math.min(columns, WIDEST_COLUMNS), paint: createPaint(colour) }
  const command = suggested('conduit-batch alerts test')
  const look = { labelTone: 'alert', commands: [command] } as const
  return [
    ...failing.flatMap((each) =>
      labelled(
        'ALERTS',
        `Of queue ${oneLine(each.queue)}, channel ${failureWords(each, nowMs)}`,
        canvas,
        look,
      ),
    ),
    ...labelled('', `They are tried again by themselves. Try it now: ${command}`, canvas, look),
    '',
  ]
}
