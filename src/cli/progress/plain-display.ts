import { harmlessLines } from '../text/harmless.js'
import type { Display, DisplayOptions } from './display.js'
import { type Phase, phaseOf } from './phase.js'
import { renderPlainLine } from './plain-line.js'

const PAUSED_FACTOR = 12

/** A display for logs and pipes: a line every `plainEveryMs` (twelve times that while paused), and on a change. */
export function createPlainDisplay({ stream, plainEveryMs }: DisplayOptions): Display {
  let stopped = false
  let lastChapter: string | null = null
  let lastAtMs = 0

  return {
    update(view) {
      const phase = phaseOf(view)
      const chapter = chapterOf(phase)
      const everyMs = phase.kind === 'paused' ? plainEveryMs * PAUSED_FACTOR : plainEveryMs
      if (stopped || (chapter === lastChapter && view.nowMs - lastAtMs < everyMs)) return
      const wasHeld = lastChapter !== null && /^(paused|probing)/.test(lastChapter)
      stream.write(`${wasHeld && chapter === 'running' ? 'RESUMED: ' : ''}${renderPlainLine(view)}\n`)
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

/** What is worth a line of its own at once; waiting for retries comes and goes too often for that. */
function chapterOf(phase: Phase): string {
  switch (phase.kind) {
    case 'paused':
      return `paused ${phase.holds.map(({ reason }) => reason).join(' ')}`
    case 'ended':
      return `ended ${phase.state}`
    case 'waiting_for_retries':
      return 'running'
    case 'running':
    case 'probing':
    case 'closing':
    case 'reconnecting':
    case 'no_worker':
      return phase.kind
  }
}
