/**
 * Finds a secret in a text in any encoding: verbatim or base64, each of them URL-encoded or JSON-escaped.
 *
 * There are too many encodings to search for each, so the text is decoded, and every position of the decoded text maps
 * to a position of the text.
 */

export interface SecretForm {
  /** Verbatim or base64. */
  readonly text: string
  /** The same without backslashes: the form to search for in a decoded text. */
  readonly bare: string
  readonly base64: boolean
}

/**
 * A secret verbatim, and its base64 at every alignment.
 *
 * Base64 turns three bytes into four characters, so there are three encodings of a text's middle. Characters that
 * depend on a neighbouring byte are omitted.
 */
export function secretForms(secret: string): SecretForm[] {
  const bytes = Buffer.from(secret)
  const texts = [0, 1, 2].flatMap((offset) => {
    const base64 = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    const own = base64.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
  return [
    { text: secret, bare: withoutEscapes(secret).bare, base64: false },
    ...[...new Set(texts)].map((text) => ({ text, bare: withoutEscapes(text).bare, base64: true })),
  ]
}

/** A decoded text. */
export interface Reading {
  /**
   * The text's bytes in UTF-8, one character each. Backslashes and line breaks are dropped, since their number may
   * vary, and plus signs are spaces, as in an HTML form.
   */
  readonly bare: string
  /** The position in the text where each byte begins and ends. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

export function withoutEscapes(text: string): Reading {
  const bytes = Buffer.allocUnsafe(Buffer.byteLength(text))
  const starts = new Uint32Array(bytes.length)
  const ends = new Uint32Array(bytes.length)
  let count = 0
  for (let start = 0, end = 0; start < text.length; start = end) {
    const unit = text.charCodeAt(start)
    if (unit < 0x80 && unit !== BACKSLASH && unit !== PERCENT) {
      // The fast path, taken by nearly every character.
      end = start + 1
      starts[count] = start
      ends[count] = end
      count = writeByte(unit, bytes, count)
      continue
    }
    const first = count
    const code = text.codePointAt(start)!
    end = start + (code > 0xffff ? 2 : 1)
    if (code === BACKSLASH) {
      const escaped = matchAt(BACKSLASH_ESCAPE, text, start)!
      end = BACKSLASH_ESCAPE.lastIndex
      count = writeCharacter(unescaped(escaped), bytes, count)
    } else if (code === PERCENT) {
      const encoded = matchAt(PERCENT_ESCAPE, text, start)
      if (encoded) end = PERCENT_ESCAPE.lastIndex
      // One byte, possibly a part of a character.
      count = writeByte(encoded ? Number.parseInt(encoded[1]!, 16) : code, bytes, count)
    } else count = writeCharacter(code, bytes, count)
    starts.fill(start, first, count)
    ends.fill(end, first, count)
  }
  return { bare: bytes.toString('latin1', 0, count), starts, ends }
}

/** The positions of a form in a text, as begin and end. */
export function* placesOf({ bare, base64 }: SecretForm, reading: Reading): Generator<[start: number, end: number]> {
  if (bare === '') return
  for (let at = reading.bare.indexOf(bare); at !== -1; at = reading.bare.indexOf(bare, at + 1)) {
    let first = at
    let last = at + bare.length - 1
    if (base64) {
      // The neighbouring characters contain bits of the secret, too.
      if (isBase64(reading.bare, first - 1)) first--
      if (isBase64(reading.bare, last + 1)) last++
      while (reading.bare[last + 1] === '=') last++
    }
    yield [reading.starts[first]!, reading.ends[last]!]
  }
}

const BACKSLASH = 0x5c
const PERCENT = 0x25
const BLANK = 0x20
const PLUS = 0x2b
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SHORT_ESCAPES: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, f: 0x0c }

// Escapes may be nested: each level turns the percent sign into %25 and doubles each backslash.
const PERCENT_ESCAPE = /%(?:25)*([0-9a-fA-F]{2})/y
const BACKSLASH_ESCAPE =
  /\\+(?:u([dD][89abAB][0-9a-fA-F]{2})\\+u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([nrtbf])|(["'/]))?/y

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | null {
  pattern.lastIndex = index
  return pattern.exec(text)
}

/** @returns the position for the next character */
function writeCharacter(code: number, bytes: Buffer, at: number): number {
  return code < 0x80 ? writeByte(code, bytes, at) : at + bytes.write(String.fromCodePoint(code), at)
}

function writeByte(byte: number, bytes: Buffer, at: number): number {
  if (byte === BACKSLASH || byte === LINE_FEED || byte === CARRIAGE_RETURN) return at
  bytes[at] = byte === PLUS ? BLANK : byte
  return at + 1
}

/** The code point of a match of `BACKSLASH_ESCAPE`; a backslash if it consists of backslashes. */
function unescaped([, high, low, unit, short, itself]: RegExpExecArray): number {
  if (high !== undefined && low !== undefined) {
    return 0x10000 + ((Number.parseInt(high, 16) & 0x3ff) << 10) + (Number.parseInt(low, 16) & 0x3ff)
  }
  if (unit !== undefined) return Number.parseInt(unit, 16)
  if (short !== undefined) return SHORT_ESCAPES[short]!
  return itself === undefined ? BACKSLASH : itself.charCodeAt(0)
}

function isBase64(text: string, index: number): boolean {
  return /[\w+/-]/.test(text.charAt(index))
}
