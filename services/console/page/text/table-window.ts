/** Which rows of a long table are drawn. */

export interface TableWindow {
  /** The first row that is drawn. */
  readonly from: number
  /** The row after the last one. */
  readonly to: number
}

/** @param scrollTop, viewHeight and rowHeight in pixels @param extra rows beyond the edges, so that scrolling shows no gap */
export function tableWindow(
  rowCount: number,
  { scrollTop, viewHeight, rowHeight }: { scrollTop: number; viewHeight: number; rowHeight: number },
  extra = 8,
): TableWindow {
  const first = Math.max(0, Math.min(rowCount - 1, Math.floor(scrollTop / rowHeight)))
  const visible = Math.ceil(viewHeight / rowHeight)
  return { from: Math.max(0, first - extra), to: Math.min(rowCount, first + visible + extra) }
}

/** Where to scroll so that a row is whole in view; unchanged if it is. @param head the height of the fixed head */
export function scrollToRow(
  row: number,
  { scrollTop, viewHeight, rowHeight }: { scrollTop: number; viewHeight: number; rowHeight: number },
  head = 0,
): number {
  const top = row * rowHeight
  if (top < scrollTop) return top
  return Math.max(scrollTop, top + rowHeight + head - viewHeight)
}
