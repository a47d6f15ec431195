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

/** Farther away a row is not looked for: what moved it has replaced the list. */
const NEAR_MAX = 5_000

/** @returns the number of the nearest row that is meant, from where it was before; -1 if none is near */
export function placeNear(rowCount: number, before: number, isMeant: (row: number) => boolean): number {
  for (let distance = 0; distance <= NEAR_MAX; distance++) {
    const [up, down] = [before - distance, before + distance]
    if (down < rowCount && isMeant(down)) return down
    if (up >= 0 && up < rowCount && isMeant(up)) return up
    if (up < 0 && down >= rowCount) break
  }
  return -1
}
