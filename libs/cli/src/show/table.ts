/** Rows under headings, in columns as wide as their widest cell; on a terminal no wider than it. */
import { type Paint, paintStatus } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'

export interface Column<Row> {
  heading: string
  cell: (row: Row) => string
  /** Painted as a status. */
  status?: boolean
  /** An id, which is short on a terminal. */
  id?: boolean
  /** Left out of a terminal where the others need the room, the last one first. */
  optional?: boolean
  /** Takes what the line has left; the last one only. */
  fills?: boolean
}

/** What the last column is to have, before columns are left out for it. */
const FILL_WANTED = 32
const FILL_MIN = 12
/** Of any other column on a terminal. */
const CELL_CHARS_MAX = 32
const GAP = 2

/** @param width of the terminal; infinite where the text goes to a file */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint, width: number): string {
  const all = columns.map((column) => ({ ...column, texts: rows.map((row) => cellText(column, row, width)) }))
  const shown = fitting(
    all.map((column) => ({ ...column, width: Math.max(...[column.heading, ...column.texts].map(lengthOf)) })),
    width,
  )
  const before = shown.slice(0, -1).reduce((sum, one) => sum + one.width + GAP, 0)
  const line = (texts: readonly string[], style: (index: number, text: string) => string): string =>
    texts
      .map((text, index) => {
        const column = shown[index]
        if (index < shown.length - 1) return style(index, text.padEnd(column?.width ?? 0))
        return style(index, column?.fills ? plainLine(text, Math.max(FILL_MIN, width - before)) : text)
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  const headings = line(
    shown.map(({ heading }) => heading),
    (_, text) => paint('dim', text),
  )
  const lines = rows.map((_, row) =>
    line(
      shown.map(({ texts }) => texts[row] ?? ''),
      (index, text) => (shown[index]?.status ? statusCell(paint, text) : text),
    ),
  )
  return [headings, ...lines].join('\n')
}

const lengthOf = (text: string): number => text.length

function cellText<Row>({ cell, id, status, fills }: Column<Row>, row: Row, width: number): string {
  const text = plainLine(cell(row))
  if (id) return shownId(text, width)
  return fills || status ? text : plainLine(text, Number.isFinite(width) ? CELL_CHARS_MAX : undefined)
}

/** Without the optional columns that there is no room for. */
function fitting<One extends { width: number; optional?: boolean; fills?: boolean }>(
  columns: readonly One[],
  width: number,
): One[] {
  const kept = [...columns]
  const needed = (): number =>
    kept.reduce((sum, one) => sum + GAP + (one.fills ? Math.min(one.width, FILL_WANTED) : one.width), -GAP)
  while (needed() > width) {
    const last = kept.findLastIndex(({ optional }) => optional)
    if (last < 0) break
    kept.splice(last, 1)
  }
  return kept
}

const statusCell = (paint: Paint, padded: string): string => paintStatus(paint, padded.trimEnd(), padded.length)
