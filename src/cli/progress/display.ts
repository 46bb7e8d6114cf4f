import { createFrame } from './frame.js'
import { createPlainDisplay } from './plain-display.js'
import { renderProgress } from './render.js'
import type { ProgressView } from './view.js'

/** What the display needs of a stream; `process.stderr` and `process.stdout` have it. */
export interface DisplayStream {
  readonly write: (text: string) => unknown
  /** The height of the terminal, when it is known. */
  readonly rows?: number | undefined
}

export interface DisplayOptions {
  readonly stream: DisplayStream
  readonly isTerminal: boolean
  readonly colour: boolean
  /** The width of the terminal now; asked anew for every frame. */
  readonly columns: () => number
  /** Time between two lines where there is no terminal; they are rarer while nothing can happen. */
  readonly plainEveryMs: number
}

/** Shows the progress of one batch. It has no timer: its owner calls `update` about four times a second. */
export interface Display {
  readonly update: (view: ProgressView) => void
  /** Prints something that stays, above the progress. */
  readonly notice: (text: string) => void
  /** Ends it. On a terminal the progress is wiped away, so that a summary can take its place. */
  readonly stop: () => void
}

/** A display that redraws in place on a terminal, and writes a line now and then elsewhere. */
export function createDisplay(options: DisplayOptions): Display {
  return options.isTerminal ? createTerminalDisplay(options) : createPlainDisplay(options)
}

function createTerminalDisplay({ stream, colour, columns }: DisplayOptions): Display {
  const frame = createFrame(stream, columns)
  let stopped = false
  return {
    update(view) {
      if (!stopped) frame.draw((width) => renderProgress(view, width, colour))
    },
    notice: (text) => frame.printAbove(text),
    stop() {
      stopped = true
      frame.wipe()
    },
  }
}
