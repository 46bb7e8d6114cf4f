import { displayWidth, padTo, truncate } from './width.js'

/** One column of a table. */
export interface Column<Row> {
  readonly heading: string
  readonly text: (row: Row) => string
  readonly align: 'left' | 'right'
  /** Columns with the highest number are left out first where the table is too wide; 0 always stays. */
  readonly dispensable: number
}

/** A column with its heading and every text in it, all as wide as the widest. */
interface FilledColumn {
  readonly cells: readonly string[]
  readonly width: number
  readonly dispensable: number
}

const GAP = '  '

/** A table of at most `columns` terminal columns, its heading first; every line is plain text. */
export function table<Row>(rows: readonly Row[], all: readonly Column<Row>[], columns: number): string[] {
  const kept = fitting(
    all.map((column) => filled(rows, column)),
    columns,
  )
  return Array.from({ length: rows.length + 1 }, (_, index) => {
    const line = kept.map(({ cells }) => cells[index] ?? '').join(GAP)
    return truncate(line.trimEnd(), columns)
  })
}

function filled<Row>(rows: readonly Row[], { heading, text, align, dispensable }: Column<Row>): FilledColumn {
  const texts = [heading, ...rows.map((row) => text(row))]
  const width = Math.max(...texts.map(displayWidth))
  const cells = texts.map((each) =>
    align === 'left' ? padTo(each, width) : ' '.repeat(width - displayWidth(each)) + each,
  )
  return { cells, width, dispensable }
}

function fitting(all: readonly FilledColumn[], columns: number): readonly FilledColumn[] {
  const width = all.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length)
  const least = Math.max(...all.map(({ dispensable }) => dispensable))
  if (width <= columns || least === 0) return all
  return fitting(
    all.filter(({ dispensable }) => dispensable !== least),
    columns,
  )
}
