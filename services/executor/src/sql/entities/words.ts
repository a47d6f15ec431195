/** Words of a sentence, and names and values as words: without case, and singular, so that "servers" is "Server". */

export interface Word {
  /** As it is written, without quotes and the punctuation around it. */
  readonly text: string
  /** Folded; empty where it is quoted: then it is a value and nothing else. */
  readonly word: string
  readonly quoted: boolean
}

const WORDS_MAX = 60

/** @returns undefined for more than 60 words */
export function wordsOf(text: string): Word[] | undefined {
  const found = text.matchAll(
    /"([^"]*)"|“([^”]*)”|(?<!\S)'([^']*)'(?![\p{L}\p{N}])|`([^`]*)`|[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![^\s,;?!)])|[^\s,;]+|[,;]/gu,
  )
  const words: Word[] = []
  for (const [whole, ...quotes] of found) {
    const quoted = quotes.find((quote) => quote !== undefined)
    if (quoted !== undefined) words.push({ text: quoted, word: '', quoted: true })
    else {
      const bare = whole === ',' || whole === ';' ? ',' : whole.replace(/^[([{¿¡]+|[)\]}?!.:]+$/gu, '')
      if (bare !== '') words.push({ text: bare, word: foldWord(bare), quoted: false })
    }
    if (words.length > WORDS_MAX) return undefined
  }
  return words
}

/** The words of a name or a value, folded. */
export const folded = (text: string): string[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(foldWord)

/** The words of the name of a column or a table: `purchased_on` and `purchasedOn` are "purchased on". */
export const nameWords = (name: string): string[] =>
  folded(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll(/[._-]+/g, ' '))

function foldWord(text: string): string {
  const word = text.normalize('NFKC').toLowerCase().replaceAll('’', "'")
  if (word.length < 4) return word
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (/(?:ss|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2)
  return /[^siu]s$/.test(word) ? word.slice(0, -1) : word
}

/** Whether `part` is in `whole` as words that follow one another. */
export const isPartOf = (part: readonly string[], whole: readonly string[]): boolean =>
  whole.some((_, at) => isAt(part, whole, at))

export const isAt = (part: readonly string[], whole: readonly string[], at: number): boolean =>
  part.every((word, index) => whole[at + index] === word)
