/** Data on a terminal: what it says is shown, what it would do to the terminal is taken out. */

// Sequences first, whole: of a bare ESC the rest would remain as letters.
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /\u001b\][\s\S]*?(?:\u0007|\u001b\\|\u009c|$)|\u001b[PX^_][\s\S]*?(?:\u001b\\|\u009c|$)|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g
// Controls but tab and line feed, and the marks that turn the direction of reading.
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Several lines may remain. */
export const plainText = (text: string): string => text.replace(SEQUENCES, '').replace(CONTROLS, '')

/** One line, at most `charsMax` long. */
export function plainLine(text: string, charsMax = Number.POSITIVE_INFINITY): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim()
  return line.length <= charsMax ? line : `${line.slice(0, Math.max(0, charsMax - 3))}...`
}
