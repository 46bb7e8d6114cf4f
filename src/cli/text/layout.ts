import type { Paint, Tone } from './paint.js'
import { displayWidth, truncate } from './width.js'
import { wrap } from './wrap.js'

/** What a face is drawn on: how wide it may be, and its colours. */
export interface Canvas {
  readonly columns: number
  readonly paint: Paint
}

/** A piece of text with its style. */
export interface Cell {
  readonly text: string
  readonly tone: Tone
}

const INDENT = '  '
const LABEL_COLUMNS = 14
const CELL_COLUMNS = 19
const GAP_COLUMNS = 1
const MOST_CELLS = 4
const NARROW_COLUMNS = 56

/** How a text is drawn; `commands` stay on one line where they fit, and stand out. */
export interface Look {
  readonly tone?: Tone
  readonly labelTone?: Tone
  readonly commands?: readonly string[]
}

/** A paragraph, indented and wrapped. */
export function paragraph(text: string, { columns, paint }: Canvas, look: Look = {}): string[] {
  const lines = wrap(text, columns - INDENT.length, look.commands)
  return lines.map((line) => INDENT + paintLine(line, paint, look))
}

/** A label in its own column with the wrapped text beside it; on a narrow terminal one paragraph. */
export function labelled(label: string, text: string, canvas: Canvas, look: Look = {}): string[] {
  const { columns, paint } = canvas
  if (columns < NARROW_COLUMNS) return labelledInline(label, text, canvas, look)
  const lines = wrap(text, columns - INDENT.length - LABEL_COLUMNS, look.commands)
  return lines.map((line, index) => {
    const head = index === 0 ? label : ''
    const gap = ' '.repeat(LABEL_COLUMNS - head.length)
    return INDENT + paint(look.labelTone ?? 'faint', head) + gap + paintLine(line, paint, look)
  })
}

function labelledInline(label: string, text: string, { columns, paint }: Canvas, look: Look): string[] {
  const prefix = label === '' ? '' : `${label}:`
  return wrap(`${prefix} ${text}`, columns - INDENT.length, look.commands).map((line, index) => {
    if (index > 0 || !line.startsWith(prefix)) return INDENT + paintLine(line, paint, look)
    return (
      INDENT + paint(look.labelTone ?? 'faint', prefix) + paintLine(line.slice(prefix.length), paint, look)
    )
  })
}

/** Cells in up to four columns of one width, so that figures keep their place while they change. */
export function grid(cells: readonly Cell[], { columns, paint }: Canvas): string[] {
  const room = Math.max(1, columns - INDENT.length)
  const fitting = Math.floor((room + GAP_COLUMNS) / CELL_COLUMNS)
  const perLine = Math.max(1, Math.min(MOST_CELLS, fitting))
  const rows: Cell[][] = []
  let free = 0
  for (const { text, tone } of cells) {
    const cell = { text: truncate(text, room), tone }
    const taken = Math.min(perLine, cellsTaken(cell.text))
    if (taken > free) {
      rows.push([])
      free = perLine
    }
    rows.at(-1)?.push(cell)
    free -= taken
  }
  return rows.map(
    (row) => INDENT + row.map((cell, index) => paintCell(cell, row.length - index, paint)).join(''),
  )
}

function cellsTaken(text: string): number {
  return Math.ceil((displayWidth(text) + GAP_COLUMNS) / CELL_COLUMNS)
}

/** The last cell of a row needs no space behind it. */
function paintCell({ text, tone }: Cell, cellsLeft: number, paint: Paint): string {
  const columns = cellsLeft === 1 ? 0 : cellsTaken(text) * CELL_COLUMNS
  return paint(tone, text) + ' '.repeat(Math.max(0, columns - displayWidth(text)))
}

function paintLine(line: string, paint: Paint, { tone = 'plain', commands = [] }: Look): string {
  const command = commands.find((each) => line.includes(each))
  if (command === undefined) return paint(tone, line)
  const at = line.indexOf(command)
  const before = paint(tone, line.slice(0, at))
  return before + paint('command', command) + paint(tone, line.slice(at + command.length))
}
