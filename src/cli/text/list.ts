import type { Manifest } from '../../batches/manifest.js'
import type { BatchSnapshot, BatchState } from '../../batches/snapshot.js'
import { formatCount, formatDuration } from './format.js'
import { oneLine } from './harmless.js'
import type { Canvas } from './layout.js'
import { endOf, short } from './status.js'
import { type Column, table } from './table.js'

/** One line of `list`. */
export interface ListRow {
  readonly manifest: Manifest
  /** Null when Redis does not know it. */
  readonly batch: BatchSnapshot | null
  /** Its queue is held. */
  readonly held: boolean
}

/** What `list` calls a state; `unknown`: Redis has forgotten the batch. */
export type ListState = BatchState | 'paused' | 'unknown'

/** The state that is shown of a batch. */
export function listState({ batch, held }: ListRow): ListState {
  if (batch === null) return 'unknown'
  return batch.state === 'running' && held ? 'paused' : batch.state
}

/** What `conduit-batch list` prints, the newest first. `left`: how many more there are than are shown. */
export function renderList(rows: readonly ListRow[], left: number, nowMs: number, canvas: Canvas): string[] {
  const [heading = '', ...lines] = table(rows, columnsAt(nowMs), canvas.columns)
  return [
    canvas.paint('faint', heading),
    ...lines,
    ...(left > 0 ? [canvas.paint('faint', `… and ${formatCount(left)} older (--limit shows more)`)] : []),
  ]
}

function columnsAt(nowMs: number): Column<ListRow>[] {
  return [
    { heading: 'BATCH', align: 'left', dispensable: 0, text: ({ manifest }) => manifest.batch },
    { heading: 'NAME', align: 'left', dispensable: 2, text: ({ manifest }) => short(manifest.name ?? '') },
    { heading: 'QUEUE', align: 'left', dispensable: 4, text: ({ manifest }) => short(manifest.queue) },
    { heading: 'STATE', align: 'left', dispensable: 0, text: listState },
    { heading: 'DONE', align: 'right', dispensable: 1, text: doneOfTotal },
    { heading: 'FAILED', align: 'right', dispensable: 3, text: ({ batch }) => counted(batch?.failed) },
    {
      heading: 'CREATED',
      align: 'right',
      dispensable: 6,
      text: ({ manifest }) => `${formatDuration(nowMs - manifest.createdAt)} ago`,
    },
    {
      heading: 'INPUT',
      align: 'left',
      dispensable: 5,
      text: ({ manifest }) => endOf(oneLine(manifest.input.name)),
    },
  ]
}

function doneOfTotal({ manifest, batch }: ListRow): string {
  return `${counted(batch === null ? undefined : batch.completed + batch.failed)}/${formatCount(manifest.total)}`
}

function counted(count: number | undefined): string {
  return count === undefined ? '–' : formatCount(count)
}
