import type { WorkerEvent } from '../../../workers/events.js'
import type { Canvas } from '../text/layout.js'
import { createPaint } from '../text/paint.js'
import { eventLines } from './event-lines.js'

const WIDEST_COLUMNS = 100
const LEAST_COLUMNS = 20
/** The same trouble is told again after so long, not at every attempt. */
const TROUBLE_AGAIN_MS = 60_000

/** Tells a terminal what happens to a process of workers, a few lines each time. */
export function createTeller(terminal: NodeJS.WriteStream): (event: WorkerEvent) => void {
  const paint = createPaint(terminal.hasColors())
  const toldAt = new Map<string, number>()

  function isNews(text: string, nowMs: number): boolean {
    for (const [told, at] of toldAt) if (nowMs - at >= TROUBLE_AGAIN_MS) toldAt.delete(told)
    if (toldAt.has(text)) return false
    toldAt.set(text, nowMs)
    return true
  }

  return (event) => {
    const nowMs = Date.now()
    if (event.kind === 'trouble' && !isNews(event.text, nowMs)) return
    // A terminal that does not know its width says 0.
    const columns = Math.max(LEAST_COLUMNS, Math.min(WIDEST_COLUMNS, terminal.columns || WIDEST_COLUMNS))
    const canvas: Canvas = { columns, paint }
    terminal.write(`${eventLines(event, nowMs, canvas).join('\n')}\n`)
  }
}
