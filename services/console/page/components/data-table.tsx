/**
 * A long table: only the rows in view are drawn, more are read as it is scrolled, and `j`, `k` and Enter work. All rows
 * are equally high, so that nothing jumps, and each is laid out by itself at its place: where a row of an ordinary table comes
 * or goes, the browser lays out and paints all of them.
 */
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useKeys } from '../app/keys.ts'
import { go, place } from '../app/router.ts'
import { scrollToRow, tableWindow } from '../text/table-window.ts'
import { useTableFocus } from './table-focus.ts'
import { useTableView } from './table-view.ts'

export interface Column<Row> {
  readonly name: string
  readonly title: string
  readonly cell: (row: Row) => ComponentChildren
  /** A CSS width; absent: what the others leave. */
  readonly width?: string
  readonly numeric?: boolean
  /** On a narrow screen it is left out, and `second` says what matters. */
  readonly wideOnly?: boolean
}

export interface Selection {
  readonly keys: ReadonlySet<string>
  readonly change: (keys: ReadonlySet<string>) => void
}

interface Properties<Row> {
  /** What the rows are, in words: "executions". */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** What a screen reader says of a row's box: its title. */
  readonly titleOf: (row: Row) => string
  /** Where Enter leads. */
  readonly hrefOf?: (row: Row) => string
  /** Below the first column on a narrow screen. */
  readonly second?: (row: Row) => ComponentChildren
  /** All rows that there are; absent: unknown, or as many as are here. */
  readonly total?: number | undefined
  /** Reads the next page; absent if all rows are here. */
  readonly onMore?: (() => void) | undefined
  readonly selection?: Selection | undefined
  /** The key of the row that the address names: it is marked, and scrolled into view when it changes. */
  readonly current?: string | undefined
}

const WIDE_ROW = 36
const NARROW_ROW = 58
const HEAD = 33
const NARROW = '(max-width: 719px)'
/** Some browsers take these roles from elements that are laid out otherwise. */
const AS = {
  table: { role: 'table' },
  rows: { role: 'rowgroup' },
  row: { role: 'row' },
  head: { role: 'columnheader' },
  cell: { role: 'cell' },
} as const

export function DataTable<Row>(properties: Properties<Row>) {
  const { label, columns, rows, keyOf, hrefOf, second, total, onMore, selection } = properties
  const { current: named } = properties
  const box = useRef<HTMLDivElement>(null)
  const narrow = useMedia(NARROW)
  const rowHeight = narrow && second ? NARROW_ROW : WIDE_ROW
  const [view, measure] = useTableView(box, { rows, keyOf, rowHeight })
  const [current, setCurrent] = useState(named)
  const { from, to } = tableWindow(rows.length, { ...view, rowHeight })
  // The same for all rows and all draws: that a page makes its functions anew draws no row again.
  const latest = useRef(properties)
  latest.current = properties
  const index = useMemo(
    () => (current === undefined ? -1 : rows.findIndex((row) => keyOf(row) === current)),
    [rows, current],
  )

  useEffect(() => {
    if (onMore && to >= rows.length - 20) onMore()
  }, [to, rows.length, onMore])

  const focus = useTableFocus(box, {
    firstInView: Math.ceil(view.scrollTop / rowHeight),
    rowCount: rows.length,
    move,
  })

  const namedRow = useMemo(
    () => (named === undefined ? -1 : rows.findIndex((row) => keyOf(row) === named)),
    [rows, named],
  )
  useLayoutEffect(() => {
    if (namedRow >= 0) show(namedRow)
  }, [named, namedRow >= 0])

  function show(next: number): void {
    const row = rows[next]
    if (row === undefined || !box.current) return
    const { scrollTop, clientHeight: viewHeight } = box.current
    box.current.scrollTop = scrollToRow(next, { scrollTop, viewHeight, rowHeight }, HEAD)
    setCurrent(keyOf(row))
    measure()
  }
  function move(to: number): void {
    const next = Math.max(0, Math.min(rows.length - 1, to))
    if (rows.length > 0) focus.follow(next)
    show(next)
  }
  const step = Math.max(1, Math.floor(view.viewHeight / rowHeight) - 2)
  useKeys(`The list of ${label}`, [
    { key: 'j', does: 'next row', run: () => move(index + 1) },
    { key: 'k', does: 'row before', run: () => move(Math.max(0, index) - 1) },
    { key: 'PageDown', does: 'a screen down', run: () => move(index + step) },
    { key: 'PageUp', does: 'a screen up', run: () => move(index - step) },
    ...(hrefOf ? [{ key: 'Enter', does: 'open the row', run: () => open(rows[index]) }] : []),
    // By what has the focus in it.
    { key: 'ArrowDown', does: 'next row, once Tab has led to the table; ArrowUp, Home and End as well' },
    { key: 'ArrowRight', does: 'next link or button of the row; ArrowLeft the one before' },
    ...(selection
      ? [{ key: 'x', does: 'select the row', run: () => current !== undefined && toggle(selection, current) }]
      : []),
  ])
  function open(row: Row | undefined): void {
    // A focused link or button does what it says.
    const focused = document.activeElement
    if (focused instanceof HTMLElement && focused !== document.body && !focused.closest('tr')) focused.click()
    else if (focused instanceof HTMLButtonElement) focused.click()
    else if (row !== undefined && hrefOf) go(hrefOf(row))
  }

  const rowCount = total ?? (onMore ? undefined : rows.length)
  const shownColumns = useMemo(() => columns.filter(({ wideOnly }) => !narrow || !wideOnly), [columns, narrow])
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what has the focus within it is what the arrow keys move from
    <div
      class="table-box"
      ref={box}
      onScroll={measure}
      onKeyDown={focus.onKeyDown}
      onFocusCapture={focus.onFocusCapture}
    >
      <table
        {...AS.table}
        aria-rowcount={rowCount === undefined ? -1 : rowCount + 1}
        aria-label={label}
        style={{ '--columns': columnWidths(shownColumns, { selected: selection !== undefined, narrow }) }}
      >
        <Head columns={shownColumns} rows={rows} keyOf={keyOf} selection={selection} />
        <tbody {...AS.rows} style={{ height: `${rows.length * rowHeight}px` }}>
          {rows.slice(from, to).map((row, offset) => {
            const key = keyOf(row)
            return (
              <TableRow
                key={key}
                row={row}
                id={key}
                index={from + offset}
                height={rowHeight}
                columns={shownColumns}
                second={narrow && second !== undefined}
                selected={selection?.keys.has(key)}
                latest={latest}
                current={key === current}
                onFocus={setCurrent}
              />
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Head<Row>({
  columns,
  rows,
  keyOf,
  selection,
}: Pick<Properties<Row>, 'columns' | 'rows' | 'keyOf' | 'selection'>) {
  const allSelected = useMemo(
    () => selection !== undefined && rows.length > 0 && rows.every((row) => selection.keys.has(keyOf(row))),
    [rows, selection?.keys],
  )
  return (
    <thead {...AS.rows}>
      <tr {...AS.row} aria-rowindex={1}>
        {selection && (
          <th {...AS.head} scope="col" class="select">
            <input
              type="checkbox"
              aria-label={`select all ${rows.length} that are shown`}
              checked={allSelected}
              onChange={() => selection.change(new Set(allSelected ? [] : rows.map(keyOf)))}
            />
          </th>
        )}
        {columns.map(({ name, title, numeric }) => (
          <th key={name} {...AS.head} scope="col" class={numeric ? 'numeric' : ''}>
            {title}
          </th>
        ))}
      </tr>
    </thead>
  )
}

/** As `grid-template-columns`. On a narrow screen the first one has what the others leave. */
function columnWidths<Row>(
  columns: readonly Column<Row>[],
  { selected, narrow }: { selected: boolean; narrow: boolean },
): string {
  const widths = columns.map(({ width }, at) =>
    width === undefined || (narrow && at === 0) ? 'minmax(0, 1fr)' : width,
  )
  return [...(selected ? ['36px'] : []), ...widths].join(' ')
}

function toggle(selection: Selection | undefined, key: string): void {
  if (!selection) return
  const keys = new Set(selection.keys)
  if (!keys.delete(key)) keys.add(key)
  selection.change(keys)
}

/** A row at its place, which another row above it changes. */
function TableRow<Row>({
  index,
  height,
  current,
  onFocus,
  ...cells
}: {
  index: number
  height: number
  current: boolean
  onFocus: (id: string) => void
} & CellsProperties<Row>) {
  return (
    <tr
      {...AS.row}
      aria-rowindex={index + 2}
      class={current ? 'current' : ''}
      style={{ top: `${index * height}px`, height: `${height}px` }}
      onFocusCapture={() => onFocus(cells.id)}
    >
      <Cells {...cells} />
    </tr>
  )
}

interface CellsProperties<Row> {
  row: Row
  id: string
  columns: readonly Column<Row>[]
  /** Whether there is a second line. */
  second: boolean
  /** undefined: rows are not selected here. */
  selected: boolean | undefined
  latest: { readonly current: Properties<Row> }
}

/** Drawn again if something in them has changed, and not because the table was scrolled or the row moved. */
function Cells<Row>({ row, id, columns, second, selected, latest }: CellsProperties<Row>) {
  // Links of cells are made from the address. What reads a signal is drawn again by it, or by another property, alone.
  place.value
  return (
    <>
      {selected !== undefined && (
        <td {...AS.cell} class="select">
          <input
            type="checkbox"
            aria-label={`select ${latest.current.titleOf(row)}`}
            checked={selected}
            onChange={() => toggle(latest.current.selection, id)}
          />
        </td>
      )}
      {columns.map(({ name, cell, numeric }, column) => (
        <td key={name} {...AS.cell} class={numeric ? 'numeric' : ''}>
          <div class="cell">{cell(row)}</div>
          {second && column === 0 && <div class="cell second">{latest.current.second?.(row)}</div>}
        </td>
      ))}
    </>
  )
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const media = matchMedia(query)
    const follow = (): void => setMatches(media.matches)
    media.addEventListener('change', follow)
    return () => media.removeEventListener('change', follow)
  }, [query])
  return matches
}
