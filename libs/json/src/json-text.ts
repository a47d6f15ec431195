/** Serialises messages of well-formed text, since lone surrogates cannot be stored. */

/** The JSON escape of a lone surrogate. */
const HALF = /\\ud[89a-f]/

/** A text that was truncated inside a character ends in U+FFFD. Otherwise like `JSON.stringify`. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  // An escaped backslash may look like one; then the slow path runs in vain.
  if (!HALF.test(text)) return text
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'string' ? field.toWellFormed() : field))
}
