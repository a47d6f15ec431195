/** The forms in which a secret shows up in text: as it is, in base64, and both URL-encoded or JSON-escaped. */

export interface SecretForm {
  readonly text: string
  readonly base64: boolean
}

/**
 * A secret as it is, and what base64 makes of it wherever it stands in the encoded text.
 *
 * Base64 turns three bytes into four characters, so there are three ways to encode what is in the middle of a text.
 * The characters that a neighbouring byte has a part in are left out.
 */
export function encodedForms(secret: string): SecretForm[] {
  const bytes = Buffer.from(secret)
  const texts = [0, 1, 2].flatMap((offset) => {
    const base64 = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    const own = base64.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
  return [{ text: secret, base64: false }, ...[...new Set(texts)].map((text) => ({ text, base64: true }))]
}

/**
 * A text without its escapes, white space and everything outside ASCII. A text that has a form in any encoding has,
 * loosened, the form loosened; the reverse does not always hold.
 */
export function loosely(text: string): string {
  return text
    .replace(/%(?:25)*([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\+u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\+[nrtbf]/g, '')
    .replace(/[^!-*,-[\]-~]/g, '')
}

/** The source of a regular expression for a form with each character as it is, URL-encoded or JSON-escaped. */
export function exactly({ text, base64 }: SecretForm): string {
  const characters = Array.from(text, oneCharacter)
  // An encoder breaks lines after 64 or 76 characters. The characters at the ends carry bits of the secret too.
  return base64 ? `[\\w+/-]?${characters.join(LINE_BREAK)}[\\w+/-]?={0,2}` : characters.join('')
}

const LINE_BREAK = '(?:[\\r\\n]|\\\\+[rn])*'

/** Characters with an escape of their own in JSON. */
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f' }

function oneCharacter(character: string): string {
  const ways = [plainly(character)]
  // A percent sign may itself have been encoded, over and over; so may a backslash.
  ways.push(
    Array.from(Buffer.from(character), (byte) => `%(?:25)*${anyCase(byte.toString(16).padStart(2, '0'))}`).join(''),
  )
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
  ways.push(units.map((unit) => `\\\\+u${anyCase(unit.toString(16).padStart(4, '0'))}`).join(''))
  const short = SHORT_ESCAPES[character]
  if (short !== undefined) ways.push(`\\\\+${short}`)
  if (character === ' ') ways.push('\\+')
  return `(?:${ways.join('|')})`
}

function plainly(character: string): string {
  if (character === '\\') return '\\\\+'
  const plain = character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
  return character === '"' || character === "'" || character === '/' ? `\\\\*${plain}` : plain
}

function anyCase(hex: string): string {
  return hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
}
