/** Short messages about what was just done; a screen reader reads them. */
import { signal } from '@preact/signals'

const SHOWN_MS = 6_000
const SHOWN_MAX = 3

const messages = signal<readonly { id: number; text: string; bad: boolean }[]>([])
let last = 0

/** @param bad it failed: it is read out at once */
export function toast(text: string, { bad = false } = {}): void {
  last += 1
  const message = { id: last, text, bad }
  messages.value = [...messages.value.slice(1 - SHOWN_MAX), message]
  setTimeout(() => dismiss(message.id), bad ? 2 * SHOWN_MS : SHOWN_MS)
}

function dismiss(id: number): void {
  messages.value = messages.value.filter((one) => one.id !== id)
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {messages.value.map(({ id, text, bad }) => (
        <p key={id} class={bad ? 'bad' : ''}>
          {text}
          <button type="button" class="icon" aria-label="dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </p>
      ))}
    </div>
  )
}
