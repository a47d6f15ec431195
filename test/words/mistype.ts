/** Typing errors as fingers make them. */
import { type Random, randomFrom } from '@deed/drill/harness/random'
import type { Sentence } from './sentences.ts'

const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm']
const QUOTED = /"[^"]*"|“[^”]*”|`[^`]*`|(?<!\w)'[^']*'(?!\w)/g
/** Shorter words are often other words with one letter changed. */
const LETTERS_MIN = 3

/** The sentence with a typing error; none if it has one already, or no word of it may change. */
export function mistyped(sentence: Sentence): Sentence[] {
  const say = stays(sentence) ? undefined : mistype(sentence)
  return say === undefined ? [] : [{ ...sentence, say }]
}

/** The sentence with every typing error that one letter of one word may have. */
export function everyMistyped(sentence: Sentence): Sentence[] {
  if (stays(sentence)) return []
  const { say } = sentence
  const written = wordsOf(sentence).flatMap(({ word, at }) =>
    withErrors(word).map((error) => say.slice(0, at) + error + say.slice(at + word.length)),
  )
  return [...new Set(written)].filter((one) => one !== say).map((one) => ({ ...sentence, say: one }))
}

/** One edit may make an English sentence of one in another language: "starta om", "start om". */
const stays = ({ tags }: Sentence): boolean => tags.includes('typo') || tags.includes('other-language')

/**
 * The sentence with one typing error in one of its words: two letters swapped, one left out, doubled, or the key beside
 * it. Quoted text, paths, URLs and values that are copied from the sentence stay as they are.
 *
 * @returns undefined if no word may change
 */
function mistype(sentence: Sentence): string | undefined {
  const random = randomFrom(seedOf(sentence.say))
  const words = wordsOf(sentence)
  if (words.length === 0) return undefined
  const { word, at } = random.pick(words)
  return sentence.say.slice(0, at) + withError(word, random) + sentence.say.slice(at + word.length)
}

/** The words that may change. */
function wordsOf(sentence: Sentence): { word: string; at: number }[] {
  const masked = sentence.say.replaceAll(QUOTED, (quoted) => ' '.repeat(quoted.length))
  const copied = copiedValues(sentence)
  return [...masked.matchAll(/\S+/g)].flatMap(({ 0: whole, index }) => {
    const [word = ''] = /(?<![^.,;:!?()])[\p{L}][\p{L}'’-]*[\p{L}](?=[.,;:!?()]*$)/u.exec(whole) ?? []
    return word.length < LETTERS_MIN || copied.has(word) ? [] : [{ word, at: index + whole.indexOf(word) }]
  })
}

/** The words of all values but the names of targets. */
function copiedValues({ means, or }: Sentence): Set<string> {
  const values = [means, ...or].flat().flatMap(({ input }) => {
    const { target: _, ...rest } = input
    return JSON.stringify(rest).split(/[^\p{L}'’-]+/u)
  })
  return new Set(values)
}

function withError(word: string, random: Random): string {
  const at = random.between(0, word.length - 1)
  const letter = word[at] ?? ''
  const next = word[at + 1]
  switch (random.between(0, 3)) {
    case 0:
      if (next !== undefined && next !== letter) return word.slice(0, at) + next + letter + word.slice(at + 2)
      return word.slice(0, at) + word.slice(at + 1)
    case 1:
      return word.slice(0, at) + word.slice(at + 1)
    case 2:
      return word.slice(0, at) + letter + word.slice(at)
    default:
      return word.slice(0, at) + neighbour(letter, random) + word.slice(at + 1)
  }
}

function neighbour(letter: string, random: Random): string {
  const beside = keysBeside(letter)
  return beside.length === 0 ? letter + letter : random.pick(beside)
}

function keysBeside(letter: string): string[] {
  const row = ROWS.find((keys) => keys.includes(letter.toLowerCase())) ?? ''
  const at = row.indexOf(letter.toLowerCase())
  return [row[at - 1], row[at + 1]].filter((key) => key !== undefined)
}

function withErrors(word: string): string[] {
  return [...word].flatMap((letter, at) => {
    const [before, after] = [word.slice(0, at), word.slice(at + 1)]
    const swapped = after === '' ? [] : [before + after[0] + letter + after.slice(1)]
    return [...swapped, ...['', letter + letter, ...keysBeside(letter)].map((keys) => before + keys + after)]
  })
}

function seedOf(text: string): number {
  let seed = 0x811c9dc5
  for (let at = 0; at < text.length; at++) seed = Math.imul(seed ^ text.charCodeAt(at), 0x01000193)
  return seed
}
