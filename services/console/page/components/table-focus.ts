/**
 * One tab stop for a table: Tab leads to it and on, the arrow keys move between its rows and between what can be pressed in a
 * row. What a cell draws need not know of it.
 */
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { isTyping } from '../app/keys.ts'

const CONTROLS = 'a[href], button, input, select'

interface TableFocus {
  /** For the box around the table. */
  readonly onKeyDown: (event: KeyboardEvent) => void
  readonly onFocusCapture: (event: FocusEvent) => void
  /** Once the row with this number is the one that is marked, it has the focus. */
  readonly follow: (row: number) => void
}

/**
 * @param firstInView the number of the first row that is in view
 * @param move marks the row with this number, counted from 0, and scrolls to it
 */
export function useTableFocus(
  box: RefObject<HTMLElement | null>,
  { firstInView, rowCount, move }: { firstInView: number; rowCount: number; move: (row: number) => void },
): TableFocus {
  /** The place within its row of what had the focus last. */
  const column = useRef<number>(undefined)
  const following = useRef<number>(undefined)

  const stopIn = (row: Element | null | undefined): HTMLElement | undefined => {
    const controls = controlsIn(row)
    return controls[column.current ?? -1] ?? controls.find(({ tagName }) => tagName === 'A') ?? controls[0]
  }
  const mark = (): void => {
    const view = box.current
    if (!view) return
    const controls = controlsIn(view)
    const focused = controls.find((one) => one === document.activeElement)
    const marked = view.querySelector('tr.current')
    const shown = marked && indexOf(marked) >= firstInView ? marked : rowAt(view, firstInView)
    const stop = focused ?? stopIn(shown) ?? controls[0]
    for (const one of controls) {
      const wanted = one === stop ? 0 : -1
      if (one.tabIndex !== wanted) one.tabIndex = wanted
    }
    // Where nothing can be pressed, the box itself is what the keyboard scrolls.
    if (stop) view.removeAttribute('tabindex')
    else view.tabIndex = 0
  }
  useLayoutEffect(mark)
  useEffect(() => {
    if (following.current === undefined) return
    const row = box.current?.querySelector<HTMLElement>('tr.current')
    // This may be the effect of an earlier render, which marked another row.
    if (!row || indexOf(row) !== following.current) return
    following.current = undefined
    ;(stopIn(row) ?? row).focus({ preventScroll: true })
  })

  return {
    onKeyDown(event) {
      const { target, key } = event
      if (!(target instanceof HTMLElement) || isTyping(target)) return
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
      const row = target.closest('tr')
      if (!row) return
      const index = indexOf(row)
      const besides = controlsIn(row)
      const sideways = { ArrowLeft: -1, ArrowRight: 1 }[key]
      const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: rowCount - 1 }[key]
      if (sideways !== undefined) besides[besides.indexOf(target) + sideways]?.focus()
      // Above the first row is what selects all.
      else if (to === -1) stopIn(box.current?.querySelector('thead tr'))?.focus()
      else if (to !== undefined) move(to)
      else return
      event.preventDefault()
    },
    onFocusCapture({ target }) {
      if (!(target instanceof HTMLElement)) return
      const row = target.closest('tr')
      const at = controlsIn(row).indexOf(target)
      if (row?.parentElement?.tagName === 'TBODY' && at >= 0) column.current = at
      mark()
    },
    follow(row) {
      following.current = row
    },
  }
}

const controlsIn = (element: Element | null | undefined): HTMLElement[] => [
  ...(element?.querySelectorAll<HTMLElement>(CONTROLS) ?? []),
]

/** From 0; -1 is the head. */
const indexOf = (row: Element): number => Number(row.getAttribute('aria-rowindex')) - 2

const rowAt = (box: Element, index: number): Element | null => box.querySelector(`tr[aria-rowindex="${index + 2}"]`)
