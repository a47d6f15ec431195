/** The browser's own dialog: it keeps the focus, and Escape closes it. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string
  onClose: () => void
  children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    dialog.current?.querySelector<HTMLElement>('input[type="search"]')?.focus()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose} onCancel={onClose}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="icon" aria-label="close" onClick={onClose}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  )
}

/** Asks once more. @param children what will happen */
export function Confirm({
  title,
  verb,
  danger = false,
  reason,
  onConfirm,
  onClose,
  children,
}: {
  title: string
  /** On the button: "Cancel 12 executions". */
  verb: string
  danger?: boolean
  /** Why it cannot be confirmed. */
  reason?: string | undefined
  onConfirm: () => void
  onClose: () => void
  children: ComponentChildren
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          if (reason === undefined) onConfirm()
        }}
      >
        <div class="dialog-body">{children}</div>
        {reason !== undefined && <p class="quiet">{reason}</p>}
        <footer>
          <button type="button" onClick={onClose}>
            Keep as it is
          </button>
          <button type="submit" class={danger ? 'danger' : 'primary'} aria-disabled={reason !== undefined}>
            {verb}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
