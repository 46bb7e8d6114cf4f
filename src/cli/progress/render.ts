import { lowCreditsLines } from '../text/credits-words.js'
import { deadOf, failuresByCode } from '../text/failures.js'
import { formatCount } from '../text/format.js'
import { type Canvas, grid, labelled, paragraph } from '../text/layout.js'
import { createPaint, type Tone } from '../text/paint.js'
import { progressBar } from './bar.js'
import { figures } from './figures.js'
import { pausedLines } from './paused.js'
import { type Phase, phaseOf, settledOf } from './phase.js'
import { phaseWords } from './phase-words.js'
import type { ProgressView } from './view.js'

const WIDEST_COLUMNS = 100
const MOST_CODES = 6

/** The progress of a batch as lines for a terminal, none wider than `columns` (20 or more). */
export function renderProgress(view: ProgressView, columns: number, colour = false): string[] {
  const canvas: Canvas = { columns: Math.min(columns, WIDEST_COLUMNS), paint: createPaint(colour) }
  const phase = phaseOf(view)
  const said = phaseLines(phase, view, canvas)
  // Who is paused, or done, has no use for a warning.
  const credits = phase.kind === 'running' ? lowCreditsLines(view.queue.forecast, canvas) : []
  return [
    ...barLines(view, phase, canvas),
    '',
    ...grid(figures(view, phase), canvas),
    ...failureLines(view, canvas),
    ...(said.length === 0 ? [] : ['', ...said]),
    ...(credits.length === 0 ? [] : ['', ...credits]),
  ]
}

function barLines(view: ProgressView, phase: Phase, canvas: Canvas): string[] {
  if (view.batch.total <= 0 && phase.kind !== 'ended') {
    return paragraph('Reading the input…', canvas, { tone: 'faint' })
  }
  return [progressBar(settledOf(view), view.batch.total, phaseTone(phase), canvas)]
}

function phaseTone(phase: Phase): Tone {
  switch (phase.kind) {
    case 'running':
    case 'waiting_for_retries':
      return 'good'
    case 'ended':
      return phase.state === 'completed' ? 'good' : 'bad'
    case 'paused':
    case 'ending':
    case 'outage':
    case 'probing':
    case 'closing':
    case 'reconnecting':
    case 'no_worker':
    case 'overdue':
      return 'waiting'
  }
}

function failureLines({ batch }: ProgressView, canvas: Canvas): string[] {
  const failed = deadOf(batch)
  if (failed <= 0) return []
  const codes = failuresByCode(batch.failedByCode, MOST_CODES)
  return paragraph(`${formatCount(failed)} failed${codes && `: ${codes}`}`, canvas, { tone: 'bad' })
}

function phaseLines(phase: Phase, view: ProgressView, canvas: Canvas): string[] {
  if (phase.kind === 'paused') return pausedLines(phase.holds, view, canvas)
  const words = phaseWords(phase, view)
  if (words === null) return []
  const tone = phaseTone(phase)
  return labelled(words.heading, words.sentence, canvas, { labelTone: tone === 'waiting' ? 'alert' : tone })
}
