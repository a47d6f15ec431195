/** JSON as PostgreSQL takes it: `jsonb` has neither the character NUL nor halves of surrogate pairs. */

export function storable(value: unknown): string {
  const text = JSON.stringify(value)
  if (isStorable(text)) return text
  return JSON.stringify(value, (_, field: unknown) =>
    typeof field === 'string' ? field.toWellFormed().replaceAll('\0', '\ufffd') : field,
  )
}

/** The value as it is read back from there, but for what JSON leaves out. */
export const asStored = <T>(value: T): T =>
  isStorable(JSON.stringify(value)) ? value : (JSON.parse(storable(value)) as T)

/** A backslash that is itself escaped may look like one of these; then only some work is done in vain. */
const isStorable = (text: string): boolean => !text.includes('\\') || !/\\u(?:0000|d[89a-f])/i.test(text)
