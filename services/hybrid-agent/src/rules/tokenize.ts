/**
 * Splits a sentence into the words that rules match.
 *
 * Text in quotes or backticks is one token: it is data, and no rule reads its words. Punctuation between words is
 * dropped, so that "x is down. Fix it." and "x is down, fix it" are equal.
 */

export interface Token {
  readonly kind: 'word' | 'quoted' | 'code'
  /** Without quotes; for a word, without the punctuation around it. */
  readonly value: string
  /** In lower case, with straight apostrophes; empty if the token is not a word. */
  readonly word: string
  /** Offsets in the text, including quotes. */
  readonly start: number
  readonly end: number
}

export interface Sentence {
  readonly text: string
  readonly tokens: readonly Token[]
  /** Whether the sentence is a question. */
  readonly asks: boolean
}

/** Longer texts are not matched by rules. */
const TOKENS_MAX = 1_000
const CLOSING: Readonly<Record<string, string>> = {
  '"': '"',
  '“': '”',
  '„': '“',
  '«': '»',
  "'": "'",
  '`': '`',
  '‘': '’',
}
const POLITE_BEFORE = [['please'], ['kindly'], ['can', 'you'], ['could', 'you'], ['would', 'you'], ['will', 'you']]
const POLITE_AFTER = [['please'], ['thanks'], ['thank', 'you'], ['for', 'me'], ['right', 'now'], ['now']]

/** @returns undefined for more than a thousand words */
export function tokenize(text: string): Sentence | undefined {
  const tokens: Token[] = []
  /** Closing quotes that do not occur in the rest of the text. */
  const absent = new Set<string>()
  let at = 0
  while (at < text.length) {
    if (isSpace(text, at)) {
      at++
      continue
    }
    if (tokens.length === TOKENS_MAX) return undefined
    const quoted = quotedAt(text, at, absent)
    if (quoted) {
      tokens.push(quoted)
      at = quoted.end
      continue
    }
    let end = at + 1
    // A quote or backtick directly after a word begins a token of its own: content:"x".
    while (end < text.length && !isSpace(text, end) && !/["“«`]/.test(text[end]!)) end++
    const word = wordBetween(text, at, end)
    if (word) tokens.push(word)
    at = end
  }
  const { kept, askedTo } = withoutCourtesy(tokens)
  return { text, tokens: kept, asks: !askedTo && /\?\s*$/.test(text) }
}

function quotedAt(text: string, start: number, absent: Set<string>): Token | undefined {
  const opening = text[start]!
  const fence = text.startsWith('```', start) ? '```' : undefined
  const closing = fence ?? CLOSING[opening]
  if (closing === undefined || absent.has(closing)) return undefined
  const from = start + (fence ?? opening).length
  const to = text.indexOf(closing, from)
  if (to < 0) {
    absent.add(closing)
    return undefined
  }
  const end = to + closing.length
  // An apostrophe opens a quote only if a closing one follows before a space: 'tis is a word.
  if (closing === "'" && end < text.length && /[\p{L}\p{N}]/u.test(text[end]!)) return undefined
  const inside = text.slice(from, to)
  const value = fence ? inside.replace(/^[A-Za-z0-9+-]*\n/, '') : inside
  return { kind: opening === '`' ? 'code' : 'quoted', value, word: '', start, end }
}

function wordBetween(text: string, from: number, to: number): Token | undefined {
  let start = from
  let end = to
  while (start < end && '([{,;:!?'.includes(text[start]!)) start++
  const whole = text.slice(start, end)
  const opens = new Set(['(', '[', '{'].filter((bracket) => whole.includes(bracket)))
  while (end > start && trailing(text, start, end, opens)) end--
  if (start === end || (end - start === 1 && '.-–—'.includes(text[start]!))) return undefined
  const value = text.slice(start, end)
  return { kind: 'word', value, word: value.toLowerCase().replaceAll('’', "'"), start, end }
}

/**
 * Whether the last character is punctuation of the sentence, and not the dots of `..` or the end of `f(x)`.
 *
 * @param opens the opening brackets in the word
 */
function trailing(text: string, start: number, end: number, opens: ReadonlySet<string>): boolean {
  const last = text[end - 1]!
  if (',;:!?'.includes(last)) return true
  if (last === '.') return end - start > 1 && text[end - 2] !== '.' && text[end - 2] !== '/'
  if (last === ')') return !opens.has('(')
  if (last === ']') return !opens.has('[')
  return last === '}' && !opens.has('{')
}

function withoutCourtesy(tokens: readonly Token[]): { kept: readonly Token[]; askedTo: boolean } {
  let first = 0
  let last = tokens.length
  let askedTo = false
  for (let again = true; again; ) {
    again = false
    for (const words of POLITE_BEFORE) {
      if (last - first <= words.length || !wordsAt(tokens, first, words)) continue
      first += words.length
      askedTo ||= words.length === 2
      again = true
    }
    for (const words of POLITE_AFTER) {
      if (last - first <= words.length || !wordsAt(tokens, last - words.length, words)) continue
      last -= words.length
      again = true
    }
  }
  return { kept: first === 0 && last === tokens.length ? tokens : tokens.slice(first, last), askedTo }
}

function wordsAt(tokens: readonly Token[], from: number, words: readonly string[]): boolean {
  return words.every((word, index) => tokens[from + index]?.word === word)
}

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x3000 || code === 0x2028
}
