/** What is said on the bus, as text: of whole characters, since nothing that is told can be stored otherwise. */

/** How JSON writes half of a surrogate pair. */
const HALF = /\\ud[89a-f]/

/** A text that was cut in the middle of a character ends in U+FFFD. Else as `JSON.stringify`. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  // A backslash that is itself escaped may look like one; then only some work is done in vain.
  if (!HALF.test(text)) return text
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'string' ? field.toWellFormed() : field))
}
