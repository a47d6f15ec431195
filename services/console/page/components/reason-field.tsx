/** Why somebody decides so, for the audit log. */
import type { Ref } from 'preact'

const CHARS_MAX = 4_096

export function ReasonField({
  value,
  onChange,
  field,
}: {
  value: string
  onChange: (reason: string) => void
  field?: Ref<HTMLInputElement>
}) {
  return (
    <label>
      <span>Reason, for the audit log</span>
      <input
        {...(field ? { ref: field } : {})}
        class="wide-field"
        value={value}
        maxLength={CHARS_MAX}
        autocomplete="off"
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  )
}
