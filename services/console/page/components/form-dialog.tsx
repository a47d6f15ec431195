/** A dialog with a few fields. What is wrong is said in it, and what was typed stays. */
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Dialog } from './dialog.tsx'
import { ErrorBlock } from './states.tsx'

export interface FormField {
  readonly name: string
  readonly title: string
  readonly value?: string | undefined
  readonly required?: boolean
  readonly hint?: string
  /** Several lines. */
  readonly long?: boolean
  /** One of these; the first one unless `value` says otherwise. */
  readonly options?: readonly { readonly value: string; readonly title: string }[]
  readonly charsMax?: number
}

/** @param onSubmit gets the fields as they were typed, trimmed; it throws an error that says what to change */
export function FormDialog({
  title,
  about,
  verb,
  fields,
  reason,
  onSubmit,
  onClose,
}: {
  title: string
  about?: string
  verb: string
  fields: readonly FormField[]
  /** Why it cannot be done. */
  reason?: string | undefined
  onSubmit: (values: Readonly<Record<string, string>>) => Promise<void>
  onClose: () => void
}) {
  const [error, setError] = useState<Error>()
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  // After the dialog has opened, which takes the focus to its first button.
  useEffect(() => form.current?.querySelector<HTMLElement>('input, select, textarea')?.focus(), [])
  const submit = async (): Promise<void> => {
    if (busy || reason !== undefined || !form.current) return
    const values = Object.fromEntries([...new FormData(form.current)].map(([name, value]) => [name, `${value}`.trim()]))
    setBusy(true)
    setError(undefined)
    try {
      await onSubmit(values)
      onClose()
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)))
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        {about !== undefined && <p class="quiet">{about}</p>}
        <div class="fields">
          {fields.map((field) => (
            <Field key={field.name} field={field} />
          ))}
        </div>
        {error && <ErrorBlock error={error} />}
        {reason !== undefined && <p class="quiet">{reason}</p>}
        <footer>
          <button type="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" class="primary" aria-disabled={busy || reason !== undefined}>
            {busy ? 'It is being done…' : verb}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}

function Field({ field }: { field: FormField }) {
  const { name, title, value = '', required = false, hint, long = false, options, charsMax = 4_096 } = field
  const id = useId()
  const common = {
    id,
    name,
    required,
    'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
  }
  return (
    <label class={long ? 'long' : ''} for={id}>
      <span>
        {title}
        {!required && !options && ' (optional)'}
      </span>
      {options ? (
        <select {...common} defaultValue={value}>
          {options.map((option) => (
            <option key={option.value} value={option.value} selected={option.value === value}>
              {option.title}
            </option>
          ))}
        </select>
      ) : long ? (
        <textarea {...common} rows={3} maxLength={charsMax} defaultValue={value} />
      ) : (
        <input {...common} autocomplete="off" maxLength={charsMax} defaultValue={value} />
      )}
      {hint !== undefined && (
        <small id={`${id}-hint`} class="quiet">
          {hint}
        </small>
      )}
    </label>
  )
}
