/** The sentence that remains of a task, so that patterns can match it: corrected, without courtesy, with names in full. */
import type { Meant } from '../rules/decide.ts'
import type { Sentence, Token } from '../rules/tokenize.ts'
import type { EntityValue } from '../rules/vocabulary.ts'
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
  return [parts, directQuestion(parts), directQuestion(withoutRequest(parts)), withoutPurpose(parts)].filter(
    (variant) => variant !== undefined,
  )
}

/** Without those that are there already. */
export const distinct = (variants: readonly (readonly Part[])[]): (readonly Part[])[] =>
  variants.filter(
    (parts, at) =>
      !variants.slice(0, at).some((one) => one.length === parts.length && one.every((part, of) => part === parts[of])),
  )

/** Nothing but a request to be told something, whatever it is. */
export const onlyAsks = (parts: readonly Part[]): boolean =>
  parts.every(({ kind, word }) => kind === 'word' && (REQUESTS_TO_READ.has(word) || FILLERS.has(word)))

/** "I wonder whether it runs, could you check?" */
function withoutRequest(parts: readonly Part[]): readonly Part[] {
  const at = parts.findLastIndex(({ breaks }) => breaks)
  return at > 0 && onlyAsks(parts.slice(at)) ? parts.slice(0, at) : []
}

/** Where one noun is known alone, "details for ws-1" and "look up ws-1 in the database" are about it. */
export function withOnlyNoun(parts: readonly Part[], entity: EntityValue | undefined): readonly Part[] | undefined {
  const { target, singular } = entity ?? {}
  if (target === undefined || singular === undefined || parts.some(({ kind }) => kind === 'noun')) return undefined
  const inIt = parts.length > 2 && parts.at(-1)?.value === target && parts.at(-2)?.word === 'in'
  const said = inIt ? parts.slice(0, -2) : parts
  const at = said.findIndex(({ kind, value }) => kind === 'name' && /[a-z].*[-_.\d]|\d.*[a-z]/.test(value))
  const alone = said.every(({ kind }, index) => kind === 'word' || index === at)
  return at < 1 || !alone
    ? undefined
    : said.toSpliced(at, 0, { ...said[at]!, kind: 'noun', word: '__noun__', value: singular, entity: entity! })
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
  const described = reasons.flat()
  const mentions = described.filter(isMention)
  const named = mentions.length > 0 ? mentions : described.filter(({ kind }) => kind === 'name')
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

/**
 * "restart all" does not name a target that is called all, and "search your feelings" does not search for "your": words of
 * the language and of the rules are values only in the rules' own sentences.
 */
export function namesAreNames({ pattern, slots }: Meant, parts: readonly Part[], verbs: ReadonlySet<string>): boolean {
  const named = new Set(parts.filter(({ kind }) => kind === 'target' || kind === 'text').map(({ value }) => value))
  return Object.entries(slots).every(
    ([slot, value]) =>
      !/^(?:targets?|word|name|path)$/.test(pattern.slotsPossible.get(slot) ?? '') ||
      [value]
        .flat()
        .every((name) => typeof name === 'string' && (named.has(name) || !(FILLERS.has(name) || verbs.has(name)))),
  )
}

/** Whether the rule's own sentence has the word, as in "scale it down to nothing". */
export const hasWord = ({ pattern }: Meant, word: string): boolean =>
  word !== '' && pattern.source.split(/[\s()|?{}]+/).includes(word)
