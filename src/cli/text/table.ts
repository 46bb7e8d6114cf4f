import { displayWidth, padTo, truncate } from './width.js'

/** One column of a table. */
export interface Column<Row> {
  readonly heading: string
  readonly text: (row: Row) => string
  readonly align: 'left' | 'right'
  /** Columns with the highest number are left out first where the table is too wide; 0 always stays. */
  readonly dispensable: number
}

const GAP = '  '

/** A table of at most `columns` terminal columns, its heading first; every line is plain text. */
export function table<Row>(rows: readonly Row[], all: readonly Column<Row>[], columns: number): string[] {
  let kept = all
  while (widthOf(rows, kept) > columns) {
    const least = Math.max(...kept.map(({ dispensable }) => dispensable))
    if (least === 0) break
    kept = kept.filter(({ dispensable }) => dispensable !== least)
  }
  const heading = line(kept, rows, ({ heading }) => heading)
  return [heading, ...rows.map((row) => line(kept, rows, ({ text }) => text(row)))].map((each) =>
    truncate(each, columns),
  )
}

function line<Row>(
  kept: readonly Column<Row>[],
  rows: readonly Row[],
  textOf: (column: Column<Row>) => string,
): string {
  const cells = kept.map((column) => {
    const width = columnWidth(rows, column)
    const text = textOf(column)
    return column.align === 'left' ? padTo(text, width) : ' '.repeat(width - displayWidth(text)) + text
  })
  return cells.join(GAP).trimEnd()
}

function widthOf<Row>(rows: readonly Row[], kept: readonly Column<Row>[]): number {
  const cells = kept.reduce((sum, column) => sum + columnWidth(rows, column), 0)
  return cells + GAP.length * Math.max(0, kept.length - 1)
}

function columnWidth<Row>(rows: readonly Row[], { heading, text }: Column<Row>): number {
  return Math.max(displayWidth(heading), ...rows.map((row) => displayWidth(text(row))))
}
