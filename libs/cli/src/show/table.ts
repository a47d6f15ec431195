/** Rows under headings, in columns as wide as what stands in them. */
import { type Paint, paintStatus } from './paint.ts'
import { plainLine } from './plain-text.ts'

export interface Column<Row> {
  heading: string
  cell: (row: Row) => string
  /** Painted as a status. */
  status?: boolean
  /** Takes what the line has left; the last one only. */
  fills?: boolean
}

const FILL_MIN = 20

/** @param width of the terminal; infinite where the text goes to a file */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint, width: number): string {
  const cells = rows.map((row) => columns.map(({ cell }) => plainLine(cell(row))))
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...cells.map((row) => (row[index] ?? '').length)),
  )
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0)
  const line = (texts: readonly string[], style: (index: number, text: string) => string): string =>
    texts
      .map((text, index) => {
        const column = columns[index]
        if (column?.fills) return style(index, plainLine(text, Math.max(FILL_MIN, width - before)))
        return style(index, index === columns.length - 1 ? text : text.padEnd(widths[index] ?? 0))
      })
      .join('  ')
      .trimEnd()
  const headings = line(
    columns.map(({ heading }) => heading),
    (_, text) => paint('dim', text),
  )
  const lines = cells.map((row) =>
    line(row, (index, text) => (columns[index]?.status ? statusCell(paint, text) : text)),
  )
  return [headings, ...lines].join('\n')
}

const statusCell = (paint: Paint, padded: string): string => paintStatus(paint, padded.trimEnd(), padded.length)
