/** Which encoding a text file has, found from its bytes; what is no text is said to be none. */
import { isUtf8 } from 'node:buffer'

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'

/** As git decides: what has a NUL within these bytes is no text, but for UTF-16 with its mark. */
const HEAD_BYTES = 8_000
/** The longest character of UTF-8 may be cut at the end of the bytes. */
const UTF8_BYTES_MAX = 4

/**
 * @param bytes from the beginning of a file
 * @param whole whether they are all of it
 * @returns `undefined` for what is not text
 */
export function encodingOf(bytes: Buffer, whole: boolean): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  if (bytes.subarray(0, HEAD_BYTES).includes(0)) return undefined
  const cuts = whole ? 1 : Math.min(UTF8_BYTES_MAX, bytes.length)
  for (let cut = 0; cut < cuts; cut++) if (isUtf8(bytes.subarray(0, bytes.length - cut))) return 'utf-8'
  return 'windows-1252'
}

/** @returns `undefined` where the encoding has no such characters, or is written by nobody here */
export function encoded(text: string, encoding: Encoding): Buffer | undefined {
  if (encoding === 'utf-8') return Buffer.from(text)
  if (encoding === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (encoding === 'utf-16be') return Buffer.from(text, 'utf16le').swap16()
  // Where Windows-1252 and Latin-1 are the same.
  return /^[\0-\x7f\xa0-\xff]*$/.test(text) ? Buffer.from(text, 'latin1') : undefined
}

/** Without a byte-order mark. */
export const decoded = (bytes: Buffer, encoding: Encoding): string => new TextDecoder(encoding).decode(bytes)

/** Where a text is in a file, from left to right, without overlaps. @param most the search ends after so many */
export function placesIn(bytes: Buffer, wanted: Buffer, encoding: Encoding, most: number): number[] {
  const unit = encoding.startsWith('utf-16') ? 2 : 1
  const places: number[] = []
  for (let at = bytes.indexOf(wanted); at !== -1 && places.length < most; ) {
    if (at % unit === 0) places.push(at)
    at = bytes.indexOf(wanted, at % unit === 0 ? at + wanted.length : at + 1)
  }
  return places
}
