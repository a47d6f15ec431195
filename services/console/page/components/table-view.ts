/** What of a table is in view. */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { placeNear } from '../text/table-window.ts'

/** In pixels. */
interface TableView {
  readonly scrollTop: number
  readonly viewHeight: number
}

/**
 * Rows that arrive above those in view move nothing: the scroll follows them.
 *
 * @returns what is in view, and the function that measures it again, for when it is scrolled
 */
export function useTableView<Row>(
  box: RefObject<HTMLElement | null>,
  { rows, keyOf, rowHeight }: { rows: readonly Row[]; keyOf: (row: Row) => string; rowHeight: number },
): readonly [TableView, measure: () => void] {
  const [view, setView] = useState<TableView>({ scrollTop: 0, viewHeight: 600 })
  const measure = (): void => {
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {}
    setView((before) =>
      before.scrollTop === scrollTop && before.viewHeight === clientHeight
        ? before
        : { scrollTop, viewHeight: clientHeight },
    )
  }
  useLayoutEffect(() => {
    measure()
    const observer = new ResizeObserver(measure)
    if (box.current) observer.observe(box.current)
    return () => observer.disconnect()
  }, [])

  const anchor = useRef<{ key: string; row: number }>(undefined)
  useLayoutEffect(() => {
    const before = anchor.current
    if (!before || !box.current || view.scrollTop === 0) return
    const moved = placeNear(rows.length, before.row, (row) => keyOf(rows[row] as Row) === before.key)
    if (moved >= 0 && moved !== before.row) box.current.scrollTop += (moved - before.row) * rowHeight
  }, [rows])
  useLayoutEffect(() => {
    // As it was measured: to ask the browser here makes it lay out the page in the middle of a frame.
    const first = Math.min(rows.length - 1, Math.floor(view.scrollTop / rowHeight))
    const row = rows[first]
    anchor.current = row === undefined ? undefined : { key: keyOf(row), row: first }
  })
  return [view, measure]
}
