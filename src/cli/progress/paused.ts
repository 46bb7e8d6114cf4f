import type { HoldNow } from '../../batches/snapshot.js'
import { formatCounted } from '../text/format.js'
import { type Canvas, labelled } from '../text/layout.js'
import { pauseBlock } from '../text/pause-block.js'
import { nothingIsLost } from './phase-words.js'
import type { ProgressView } from './view.js'

/** Why the work stands still, what a person can do about it, and that nothing is lost. */
export function pausedLines(holds: readonly HoldNow[], view: ProgressView, canvas: Canvas): string[] {
  const { queue, forecast } = view.queue
  const blocks = holds.flatMap((hold, index) => [
    ...(index === 0 ? [] : ['']),
    ...pauseBlock(hold, queue, view.nowMs, canvas, index === 0 ? 'PAUSED' : 'AND', forecast),
  ])
  return [
    ...blocks,
    ...labelled(
      '',
      'Type commands in another terminal, in the same directory; this one then goes on by itself.',
      canvas,
      {
        tone: 'faint',
      },
    ),
    '',
    ...labelled('', nothingIsLost(view), canvas),
    ...inFlight(view, canvas),
  ]
}

function inFlight({ queue }: ProgressView, canvas: Canvas): string[] {
  if (queue.probing) return labelled('', 'One call is being tried now.', canvas)
  if (queue.active === 0) return []
  const calls = formatCounted(
    queue.active,
    'call that is in flight finishes',
    'calls that are in flight finish',
  )
  return labelled('', `The ${calls}.`, canvas)
}
