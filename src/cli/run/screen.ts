import type { DisplayStream } from '../progress/display.js'
import { createDisplay } from '../progress/display.js'
import type { ProgressView } from '../progress/view.js'

const PLAIN_EVERY_MS = 5000
const PASSING_EVERY_MS = 200
const DEFAULT_COLUMNS = 100
const LEAST_COLUMNS = 20

/** What `run` shows on stderr: progress, notices, and passing lines before there is a batch. */
export interface Screen {
  readonly isTerminal: boolean
  readonly colour: boolean
  readonly columns: () => number
  update(view: ProgressView): void
  notice(text: string): void
  /** One line that the next one replaces; nothing where there is no terminal. */
  passing(text: string): void
  close(): void
}

/** The screen of this process. */
export function createScreen(): Screen {
  const stream = process.stderr
  const isTerminal = stream.isTTY === true
  const colour = isTerminal && stream.hasColors()
  // A terminal that does not know its width says 0.
  const columns = () => Math.max(LEAST_COLUMNS, stream.columns || DEFAULT_COLUMNS)
  const display = createDisplay({
    stream: stream as DisplayStream,
    isTerminal,
    colour,
    columns,
    plainEveryMs: PLAIN_EVERY_MS,
  })
  let passedAt = 0
  let passing = false
  let closed = false

  function clearPassing(): void {
    if (passing) stream.write('\r\x1b[2K')
    passing = false
  }

  return {
    isTerminal,
    colour,
    columns,
    update(view) {
      clearPassing()
      display.update(view)
    },
    notice(text) {
      clearPassing()
      display.notice(text)
    },
    passing(text) {
      if (!isTerminal || Date.now() - passedAt < PASSING_EVERY_MS) return
      passedAt = Date.now()
      passing = true
      stream.write(`\r\x1b[2K${text.slice(0, columns() - 1)}`)
    },
    close() {
      if (closed) return
      closed = true
      clearPassing()
      display.stop()
    },
  }
}
