import { stripVTControlCharacters } from 'node:util'
import { harmlessLines } from '../text/harmless.js'
import { displayWidth } from '../text/width.js'
import type { DisplayStream } from './display.js'

/** A block of lines at the bottom of a terminal that is drawn over itself. */
export interface Frame {
  /** Draws what `render` gives for a width, in one write; nothing is written when nothing has changed. */
  readonly draw: (render: (columns: number) => string[]) => void
  /** Prints text that scrolls away above the frame. */
  readonly printAbove: (text: string) => void
  /** Takes the frame off the terminal; what was printed above it stays. */
  readonly wipe: () => void
}

const UNKNOWN_WIDTH_COLUMNS = 80
const NARROWEST_COLUMNS = 20
const CLEAR_REST_OF_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/** A frame on `stream`. The cursor stays visible, on the line below the frame. */
export function createFrame(stream: DisplayStream, columns: () => number): Frame {
  let drawn: readonly string[] = []

  return {
    draw(render) {
      const width = usableColumns(columns())
      const lines = fitHeight(render(width), stream.rows)
      if (isSame(lines, drawn)) return
      stream.write(toTop(drawn, columns()) + body(lines) + CLEAR_BELOW)
      drawn = lines
    },
    printAbove(text) {
      const above = `${harmlessLines(text).join('\n')}\n`
      stream.write(toTop(drawn, columns()) + CLEAR_BELOW + above + body(drawn))
    },
    wipe() {
      if (drawn.length > 0) stream.write(toTop(drawn, columns()) + CLEAR_BELOW)
      drawn = []
    },
  }
}

/** The last column stays free: some terminals wrap as soon as it is written to. */
function usableColumns(columns: number): number {
  const known = Number.isFinite(columns) && columns > 0 ? columns : UNKNOWN_WIDTH_COLUMNS
  return Math.max(NARROWEST_COLUMNS, known - 1)
}

/** A frame that is higher than the terminal can't be drawn over: first the empty lines go, then the last ones. */
function fitHeight(lines: readonly string[], rows: number | undefined): readonly string[] {
  const most = rows === undefined || rows < 2 ? Number.POSITIVE_INFINITY : rows - 1
  if (lines.length <= most) return lines
  return lines.filter((line) => line !== '').slice(0, most)
}

function body(lines: readonly string[]): string {
  return lines.map((line) => `${line}${CLEAR_REST_OF_LINE}\n`).join('')
}

/** Back to the frame's first line; lines that a narrowed terminal has wrapped count for several. */
function toTop(lines: readonly string[], columns: number): string {
  const rows = lines.reduce((sum, line) => sum + rowsOf(line, columns), 0)
  return rows === 0 ? '' : `\r\u001b[${rows}A`
}

function rowsOf(line: string, columns: number): number {
  if (!Number.isFinite(columns) || columns <= 0) return 1
  return Math.max(1, Math.ceil(displayWidth(stripVTControlCharacters(line)) / columns))
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index])
}
