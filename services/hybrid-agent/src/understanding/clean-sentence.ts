/** The sentence that remains of a task, so that patterns can match it: corrected, without courtesy, with names in full. */
import type { Sentence, Token } from '../rules/tokenize.ts'
import type { Part } from './parts.ts'
import { FILLERS, REQUESTS_TO_READ, TYPE_WORDS } from './words.ts'

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

/**
 * Sentences that mean the same, which patterns are written for: "let me know whether demo-api is up" asks "is demo-api
 * up", and "stop it for the maintenance" says what "stop it" says.
 */
export function variantsOf(parts: readonly Part[]): (readonly Part[])[] {
  return [parts, directQuestion(parts), withoutPurpose(parts)].filter((variant) => variant !== undefined)
}

const SUBJECT_WORDS_MAX = 4

function directQuestion(parts: readonly Part[]): readonly Part[] | undefined {
  const at = parts.findIndex(({ kind, word }) => kind === 'word' && ASKING.has(word))
  const asksToKnow = parts
    .slice(0, at)
    .every(({ kind, word }) => kind === 'word' && (REQUESTS_TO_READ.has(word) || FILLERS.has(word)))
  if (at < 1 || !asksToKnow) return undefined
  const subject = at + 1
  const verb = parts.findIndex(({ kind, word }, index) => index > subject && kind === 'word' && VERBS.has(word))
  if (verb < 0 || verb > subject + SUBJECT_WORDS_MAX) return undefined
  const asked = [parts[verb]!, ...parts.slice(subject, verb), ...parts.slice(verb + 1)]
  return /^(?:if|whether|that)$/.test(parts[at]!.word) ? asked : [parts[at]!, ...asked]
}

const ASKING = new Set(['if', 'whether', 'that', 'how', 'what', 'which'])
const VERBS = new Set(['is', 'are', 'has', 'have', 'does', 'was'])

/** A purpose at the end that names nothing: "for the integration tests". */
function withoutPurpose(parts: readonly Part[]): readonly Part[] | undefined {
  const at = parts.findLastIndex(({ kind, word }) => kind === 'word' && word === 'for')
  const purpose = parts.slice(at + 1)
  const named = at < 2 || !PURPOSES.has(purpose[0]?.word ?? '') || purpose.length < 2
  return named || purpose.some(({ kind }) => kind !== 'word') ? undefined : parts.slice(0, at)
}

const PURPOSES = new Set(['the', 'a', 'our', 'my', 'this', 'some', 'today', 'tonight', 'now'])

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
