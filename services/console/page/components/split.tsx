/** A list, and beside it what is chosen in it; on a narrow screen one of the two. The choice is in the address. */
import type { ComponentChildren } from 'preact'
import { useKeys } from '../app/keys.ts'
import { setQuery } from './filters.tsx'

/**
 * @param by the name in the address
 * @param detail undefined: nothing is chosen
 */
export function Split({
  list,
  detail,
  by,
  title,
}: {
  list: ComponentChildren
  detail: ComponentChildren
  by: string
  title: string
}) {
  const open = detail !== undefined && detail !== null && detail !== false
  return (
    <div class={open ? 'split open' : 'split'}>
      <div class="split-list">{list}</div>
      {open && (
        <Detail title={title} onClose={() => setQuery({ [by]: undefined })}>
          {detail}
        </Detail>
      )}
    </div>
  )
}

function Detail({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  useKeys('What is chosen', [{ key: 'Escape', does: 'back to the list', run: onClose }])
  return (
    <section class="panel split-detail" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span class="space" />
        <button
          type="button"
          class="icon"
          aria-label="back to the list"
          title="back to the list, Escape"
          onClick={onClose}
        >
          ×
        </button>
      </header>
      {children}
    </section>
  )
}
