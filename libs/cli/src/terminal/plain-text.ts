/** Data on a terminal: what it says is shown, what it would do to the terminal is taken out. */

// Sequences first, whole: of a bare ESC the rest would remain as letters.
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /\u001b\][\s\S]*?(?:\u0007|\u001b\\|\u009c|$)|\u001b[PX^_][\s\S]*?(?:\u001b\\|\u009c|$)|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g
// Controls but tab and line feed.
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
// Marks that turn the direction of reading, and signs that are not seen: a reader must not take the text for another.
// What joins letters is left, since words and emoji are spelled with it.
const MARKS = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const COLOURS = /(\u001b\[[\d;]*m)/

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/** The result may have several lines. */
export const plainText = (text: string): string =>
  text.replace(SEQUENCES, '').replace(CONTROLS, '').replace(MARKS, escaped)

/** What a command has painted, with nothing else that a terminal would obey, even if others wrote the text. */
export const painted = (text: string): string =>
  text
    .split(COLOURS)
    .map((part, index) => (index % 2 === 1 ? part : plainText(part)))
    .join('')

const JSON_CONTROLS = /[\u007f-\u009f]/g

/** One line of JSON, which leaves DEL, the C1 controls and marks of direction as they are, and a terminal obeys them. */
export const jsonLine = (value: unknown): string =>
  JSON.stringify(value)
    .replace(JSON_CONTROLS, unicode)
    .replace(MARKS, (character) =>
      Array.from({ length: character.length }, (_, i) => unicode(character.charAt(i))).join(''),
    )

const unicode = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** One line, at most `charsMax` long. */
export function plainLine(text: string, charsMax = Number.POSITIVE_INFINITY): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim()
  return line.length <= charsMax ? line : `${line.slice(0, Math.max(0, charsMax - 3))}...`
}
