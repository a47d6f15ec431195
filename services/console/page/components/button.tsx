/** A button that says why it is disabled. It stays reachable by keyboard, so that the reason can be read. */
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

export function Button({
  children,
  onClick,
  reason,
  kind = 'plain',
  pressed,
}: {
  children: ComponentChildren
  onClick: () => void
  /** Why it is disabled; undefined if it is not. */
  reason?: string | undefined
  kind?: 'plain' | 'primary' | 'danger'
  pressed?: boolean
}) {
  const id = useId()
  return (
    <>
      <button
        type="button"
        class={kind}
        aria-disabled={reason !== undefined}
        aria-pressed={pressed}
        aria-describedby={reason === undefined ? undefined : id}
        title={reason}
        onClick={() => reason === undefined && onClick()}
      >
        {children}
      </button>
      {reason !== undefined && (
        <span id={id} class="hidden">
          {reason}
        </span>
      )}
    </>
  )
}
