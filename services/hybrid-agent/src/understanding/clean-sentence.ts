/** The sentence that remains of a task, so that patterns can match it: corrected, without courtesy, with names in full. */
import type { Sentence, Token } from '../rules/tokenize.ts'
import type { Part } from './parts.ts'
import { TYPE_WORDS } from './words.ts'

export function cleanSentence({ text, tokens }: Sentence, parts: readonly Part[], asks: boolean): Sentence {
  return { text, asks, tokens: parts.map((part) => tokenOf(part, tokens[part.first]!, tokens[part.last]!)) }
}

function tokenOf(part: Part, first: Token, last: Token): Token {
  if (part.kind === 'text') return first
  const named = part.kind === 'target' ? part.value : part.kind === 'word' ? part.word : part.value
  return {
    kind: 'word',
    value: part.kind === 'word' && part.written === undefined && part.word === first.word ? first.value : named,
    word: named.toLowerCase(),
    start: first.start,
    end: last.end,
  }
}

/** In words, as an explanation shows it. */
export const textOf = (parts: readonly Part[]): string =>
  parts
    .map((part) => (part.kind === 'text' ? `"${part.value}"` : part.kind === 'word' ? part.word : part.value))
    .join(' ')

/** "it" and "the service" become what the reasons name, if that is one thing and the instruction names nothing. */
export function withoutPronoun(parts: readonly Part[], reasons: readonly (readonly Part[])[]): readonly Part[] {
  const isMention = ({ kind }: Part): boolean => kind === 'target' || kind === 'path' || kind === 'url'
  if (parts.some(isMention)) return parts
  const named = reasons.flat().filter(isMention)
  const [mention] = named
  if (!mention || new Set(named.map(({ value }) => value)).size > 1) return parts
  const at = parts.findIndex(({ kind, word }, index) => kind === 'word' && word === 'it' && index > 0)
  if (at >= 0) return parts.toSpliced(at, 1, inPlaceOf(parts[at]!, mention))
  const type = parts.findIndex(
    ({ kind, word }, index) => kind === 'word' && TYPE_WORDS.has(word) && POINTING.has(parts[index - 1]?.word ?? ''),
  )
  return type < 0 ? parts : parts.toSpliced(type - 1, 2, inPlaceOf(parts[type]!, mention))
}

const POINTING = new Set(['the', 'this', 'that'])

const inPlaceOf = ({ first, last, start }: Part, mention: Part): Part => ({
  ...mention,
  first,
  last,
  start,
  breaks: false,
})
