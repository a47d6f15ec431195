/**
 * A sentence as the guards compare it: what it says, without the words that carry nothing.
 *
 * Only a closed list of English words is left out, which are none of another language. Everything else has to be found in
 * the other sentence too: numbers, paths, quotes and names to the letter, other words in any case at the beginning.
 */
import { SENTENCE_CHARS_MAX } from '../entry/entry.ts'

export interface Sentence {
  /** In order; a literal begins with `=`, so that it equals no word. */
  readonly content: readonly string[]
  /** All words in lower case, for the vector. */
  readonly words: readonly string[]
}

const list = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** "a" stays: it is another one each time, and a word of other languages. */
const ARTICLE = 'the'
const SOFTENERS = list('please just really kindly pls plz')
/** Only before and after everything else. */
const EDGES = list('hi hello hey thanks thank ok okay')
/** What is asked of the reader, at the beginning. */
const REQUEST =
  /^(?:(?:can|could|would|will) you|i (?:want|need|would like|'d like|wish) (?:you )?to|i'd like (?:you )?to|help me(?: to)?)(?: (?=\S)|$)/
const HOW = /^(?:how (?:do|can|could|would) (?:i|we|you|one)|how to|what is the way to|is there a way to)(?: (?=\S)|$)/

const CONTRACTED = new Map([
  ["what's", ['what', 'is']],
  ["where's", ['where', 'is']],
  ["how's", ['how', 'is']],
  ["who's", ['who', 'is']],
  ["it's", ['it', 'is']],
])

/** A quoted text, or what is between two spaces. */
const TOKEN = /"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|`[^`]*`|(?<!\S)'[^']*'(?!\w)|\S+/gu
const QUOTED = /^["“„«`']..*["”“»`']$/su
const PLAIN = /^\p{Lu}?\p{Ll}+(?:['’]\p{Ll}+)?$|^I$|^A$|^I['’]\p{Ll}+$/u
/** Of a sentence, not of a word. */
const PUNCTUATION = /^\(+|[),.;:!?…]+$/gu
const PAUSE = /^[,;:!?…–—]+$/u
/** A sentence that begins otherwise is a question by its question mark alone. */
const ASKS = list(`
  what where when who whom whose which why how is are am was were do does did has have had can could should shall will
  would may might must`)

/** @returns undefined for more than a sentence, which is compared with nothing */
export function readSentence(text: string): Sentence | undefined {
  if (text.length > SENTENCE_CHARS_MAX || text.includes('\n')) return undefined
  const said: string[] = []
  const words: string[] = []
  let begins = true
  for (const [token] of text.matchAll(TOKEN)) {
    const bare = QUOTED.test(token) ? token : token.replaceAll(PUNCTUATION, '') || token
    if (!PAUSE.test(bare)) {
      const lower = bare.toLowerCase().replaceAll('’', "'")
      words.push(lower)
      // A capital in the middle of a sentence begins a name.
      const isWord = PLAIN.test(bare) && (begins || !/^\p{Lu}(?![’']|$)/u.test(bare))
      said.push(isWord ? lower : `=${bare}`)
    }
    begins = /[.!?…]$/u.test(token)
  }
  const content = contentOf(said, /\?\W*$/.test(text))
  return content.length === 0 ? undefined : { content, words }
}

function contentOf(said: readonly string[], asks: boolean): string[] {
  let from = 0
  let to = said.length
  while (from < to && (EDGES.has(said[from]!) || SOFTENERS.has(said[from]!))) from++
  while (to > from && (EDGES.has(said[to - 1]!) || SOFTENERS.has(said[to - 1]!))) to--
  const rest = said.slice(from, to).join(' ')
  const asked = HOW.exec(rest)
  const begun = asked ?? REQUEST.exec(rest)
  const left = begun ? said.slice(from + begun[0].trim().split(' ').length, to) : said.slice(from, to)
  const content = (asked ? ['how', ...left] : left)
    .filter((word) => word !== ARTICLE && !SOFTENERS.has(word))
    .flatMap((word) => CONTRACTED.get(word) ?? word)
  const [first] = content
  return asks && !begun && first !== undefined && !ASKS.has(first) ? [...content, '=?'] : content
}
