import { harmlessLines } from '../text/harmless.js'
import { outageOver } from '../text/pace-words.js'
import type { Display, DisplayOptions } from './display.js'
import { type Phase, phaseOf } from './phase.js'
import { renderOutageGoesOn, renderPlainLine } from './plain-line.js'
import type { ProgressView } from './view.js'

const PAUSED_FACTOR = 12

/** A display for logs and pipes: a line every `plainEveryMs` (twelve times that while nothing can happen), and on a change. */
export function createPlainDisplay({ stream, plainEveryMs }: DisplayOptions): Display {
  let stopped = false
  let lastChapter: string | null = null
  let lastAtMs = 0
  /** Whether the last look found that the credits will not last: that is told at once. */
  let low = false
  /** The outage that was told and whose end was not. */
  let outage: { readonly since: number | null } | null = null

  /** What stands before the line of a view because of what was told before. */
  function prefixOf(chapter: string, nowMs: number): string {
    if (chapter !== 'running') return ''
    const wasHeld = lastChapter !== null && /^(paused|probing)/.test(lastChapter)
    const back = outage === null ? '' : `BACK: ${outageOver(outage.since, nowMs)} `
    return wasHeld ? `RESUMED: ${back}` : back
  }

  function lineOf(view: ProgressView, chapter: string): string {
    if (chapter === 'outage' && lastChapter === 'outage') return renderOutageGoesOn(view)
    return `${prefixOf(chapter, view.nowMs)}${renderPlainLine(view)}`
  }

  return {
    update(view) {
      const phase = phaseOf(view)
      const chapter = chapterOf(phase)
      const calm = phase.kind === 'paused' || phase.kind === 'outage'
      const everyMs = calm ? plainEveryMs * PAUSED_FACTOR : plainEveryMs
      const isNewlyLow = !low && isLow(view, phase)
      low = isLow(view, phase)
      if (stopped || (chapter === lastChapter && !isNewlyLow && view.nowMs - lastAtMs < everyMs)) return
      stream.write(`${lineOf(view, chapter)}\n`)
      if (phase.kind === 'outage') outage = { since: phase.since }
      else if (chapter === 'running') outage = null
      lastChapter = chapter
      lastAtMs = view.nowMs
    },
    notice(text) {
      stream.write(`${harmlessLines(text).join('\n')}\n`)
    },
    stop() {
      stopped = true
    },
  }
}

function isLow({ queue }: ProgressView, phase: Phase): boolean {
  return phase.kind === 'running' && queue.forecast?.low === true
}

/** What is worth a line of its own at once; waiting for retries comes and goes too often for that. */
function chapterOf(phase: Phase): string {
  switch (phase.kind) {
    case 'paused':
      return `paused ${phase.holds.map(({ reason }) => reason).join(' ')}`
    case 'ended':
      return `ended ${phase.state}`
    case 'ending':
      return `ending ${phase.state}`
    case 'waiting_for_retries':
      return 'running'
    case 'running':
    case 'outage':
    case 'probing':
    case 'closing':
    case 'reconnecting':
    case 'overdue':
    case 'no_worker':
      return phase.kind
  }
}
