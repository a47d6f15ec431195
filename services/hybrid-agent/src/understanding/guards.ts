/**
 * Decides from the whole sentence whether it may instruct at all. These are rules of English, not of a pack: what
 * forbids, supposes, doubts, reports or asks how never changes anything, however near its words are to a rule.
 */
import type { Solution } from '@deed/proto/agent'
import type { Sentence } from '../rules/tokenize.ts'
import { isUnneeded } from './normalise.ts'
import { NEGATED_WORDS, type Part } from './parts.ts'

/** `word` is the one that bars; a rule whose very sentence has it is not barred by it. */
export type Bar =
  /** Nothing may be done: the words forbid, suppose, doubt, report or ask how. */
  | { readonly bars: 'everything' | 'changes'; readonly why: string; readonly word: string }
  /** It depends on something that only a model can plan for. */
  | { readonly bars: 'condition'; readonly why: string; readonly word: string }

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const NEGATIONS = words(
  'not never no none nobody nothing neither nor without avoid refrain forbid forbidden prohibited unwise',
)
/** Idioms that forbid what they are said of. */
const FORBIDDING = ['out of the question', 'out of bounds', 'off limits']
/** Of other languages; no word is corrected to one of these. */
const FOREIGN_NEGATIONS = words(
  'nicht nie niemals kein keine keinen pas jamais aucun nunca jamás tampoco niet geen nooit inte aldrig ikke não nao',
)
const RESTRICTIONS = words('unless except instead rather besides excluding')
const CONDITIONS = words('if when whenever once unless until till provided providing assuming depending otherwise else')
const EMBEDDED = words('check see tell know verify test find ask confirm whether determine wait sure')
const DOUBTS = words(
  'should shall would could might may maybe perhaps possibly ought suppose supposing imagine pretend hypothetically theoretically wonder wondering considering thinking unsure dunno',
)
const REPORTS = words(
  'says said say saying told tells asked asks wrote writes claims claimed mentions mentioned quote quotes reads ignore disregard forget example',
)
/** Of these, the ones that begin what somebody else has said. */
const TELLING = words('says said say saying told tells asked')
const PAST = words('yesterday ago already earlier previously did was were had been last')
/** Between these somebody has to choose. */
const ALTERNATIVES = words('or either versus vs')
const HOW = words('how why explain describe')
const COUNTED = words('many much is are long big large full busy')
/** What a misspelt word may be, whatever else it may be: "shouldn'" is rather "shouldn't" than "should". */
export const NEGATING: ReadonlySet<string> = new Set([...NEGATIONS, ...NEGATED_WORDS])
/** These are corrected as the words of the rules are: a misspelt "not" forbids. */
export const GUARDING: ReadonlySet<string> = new Set([
  ...NEGATIONS,
  ...RESTRICTIONS,
  ...CONDITIONS,
  ...DOUBTS,
  ...TELLING,
  'dont',
  'but',
])
/** Where an unknown word may be one of these, no change follows: it may bar the sentence. */
export const BARRING: ReadonlySet<string> = new Set([
  ...NEGATING,
  ...CONDITIONS,
  ...HOW,
  ...TELLING,
  ...words('since but except excluding maybe perhaps dont'),
])
/** A state that may be negated: "is not running", "does not answer". */
const STATE_VERBS = words(
  'running responding working up run respond work answer answering start starting started load loading reachable healthy available alive there responsive down coming come serving serve well ok okay good right fine happy going able connect accepting accept been behaving behave letting react reacting stable want feeling stop stopping finish respondng',
)
const AUXILIARIES = words('is are does do did has have will can was were seems be could would')

/** These speak for the person who asks: "we do not restart it" forbids, "it does not answer" gives a reason. */
const SPEAKERS = words('i we you they nobody noone people somebody someone please never do not')

/**
 * @param instruction the clauses that instruct or ask
 * @param reasons the clauses that describe
 * @param asks whether the sentence is a question, and not a polite request
 */
export function barOf(
  instruction: readonly Part[],
  reasons: readonly (readonly Part[])[],
  asks: boolean,
): Bar | undefined {
  const said = wordsOf(instruction)
  const bar =
    negated(said, instruction) ??
    reported(said) ??
    askedHow(said) ??
    conditional(said) ??
    doubted(said, asks) ??
    past(said)
  if (bar) return bar
  for (const reason of reasons) {
    const why = wordsOf(reason)
    const found =
      reported(why) ??
      conditional(why) ??
      (SPEAKERS.has(why.find((word) => word !== 'and' && word !== 'but') ?? '') && !isUnneeded(reason)
        ? negated(why, reason)
        : undefined)
    if (found) return found
  }
  return undefined
}

const wordsOf = (parts: readonly Part[]): string[] => parts.map((part) => (part.kind === 'word' ? part.word : ''))

function negated(said: readonly string[], parts: readonly Part[]): Bar | undefined {
  const text = ` ${said.join(' ')} `
  const idiom = FORBIDDING.find((one) => text.includes(` ${one} `))
  if (idiom !== undefined) return { bars: 'everything', why: `"${idiom}" forbids it`, word: idiom.split(' ').at(-1)! }
  for (const [at, word] of said.entries()) {
    if (RESTRICTIONS.has(word) || (word === 'other' && said[at + 1] === 'than'))
      return { bars: 'condition', why: `"${word}" restricts it`, word }
    if (word === 'stop' && (said[at + 1]?.endsWith('ing') || said.slice(at + 1, at + 4).includes('from')))
      return { bars: 'everything', why: '"stop" forbids it', word: 'from' }
    if (word === 'leave' && said.includes('alone'))
      return { bars: 'everything', why: '"leave alone" forbids it', word: 'alone' }
    if (word === 'hold' && said[at + 1] === 'off') return { bars: 'everything', why: '"hold off" forbids it', word }
    if (FOREIGN_NEGATIONS.has(parts[at]?.written ?? word))
      return { bars: 'everything', why: `"${parts[at]?.written ?? word}" forbids it`, word }
    if (!NEGATIONS.has(word) || statesOnly(said, parts, at)) continue
    return { bars: 'everything', why: `"${word}" forbids it`, word }
  }
  return undefined
}

/** Whether the negation belongs to a described state, as in "demo-api is not running, start it". */
function statesOnly(said: readonly string[], parts: readonly Part[], at: number): boolean {
  const before = said[at - 1] ?? ''
  const after = said[at + 1] ?? ''
  if (said[at] === 'no' && after === 'longer')
    return said[at - 1] === 'is' || AUXILIARIES.has(said[at + 2] ?? '') || STATE_VERBS.has(said[at + 2] ?? '')
  const subject = parts[at - 2]
  // "do not run" forbids; "does not run" describes, if somebody is its subject.
  const described = AUXILIARIES.has(before) && subject !== undefined && !(subject.breaks && before === 'do')
  if (!described || before === 'do' || before === 'would' || before === 'could') return false
  return STATE_VERBS.has(after)
}

function reported(said: readonly string[]): Bar | undefined {
  const word = said.find((one) => REPORTS.has(one))
  return word === undefined ? undefined : { bars: 'changes', why: `"${word}" reports or quotes words`, word }
}

function askedHow(said: readonly string[]): Bar | undefined {
  if (said[0] === 'who' && said[1]?.endsWith('ed'))
    return { bars: 'everything', why: '"who" asks what somebody has done', word: 'who' }
  if (said[0] === 'did' && SPEAKERS.has(said[1] ?? ''))
    return { bars: 'everything', why: '"did" asks what somebody has done', word: 'did' }
  const at = said.findIndex((word) => HOW.has(word))
  if (at < 0) return undefined
  const word = said[at]!
  if (word === 'how' && COUNTED.has(said[at + 1] ?? '')) return { bars: 'changes', why: 'it is a question', word }
  return {
    bars: word === 'how' || word === 'why' ? 'everything' : 'changes',
    why: `"${word}" asks for an explanation`,
    word,
  }
}

const WAITING = words('wait pause hold')

function conditional(said: readonly string[]): Bar | undefined {
  for (const [at, word] of said.entries()) {
    if (!CONDITIONS.has(word)) continue
    if (word === 'if' && EMBEDDED.has(said[at - 1] ?? '')) continue
    if (word === 'if' && said.slice(Math.max(0, at - 3), at).some((one) => EMBEDDED.has(one)) && at <= 4) continue
    if ((word === 'until' || word === 'till') && said.some((one) => WAITING.has(one))) continue
    if (said.slice(0, at).includes('what')) return { bars: 'everything', why: `"what ... ${word}" supposes it`, word }
    if (word === 'when' && at === 0) return { bars: 'changes', why: 'it asks when, or depends on it', word }
    return { bars: 'condition', why: `it depends on what follows "${word}"`, word }
  }
  const at = said.findIndex(
    (word, index) => (word === 'in' && said[index + 1] === 'case') || (word === 'as' && said[index + 1] === 'soon'),
  )
  return at < 0 ? undefined : { bars: 'condition', why: 'it depends on something', word: 'case' }
}

function doubted(said: readonly string[], asks: boolean): Bar | undefined {
  const word = said.find((one) => DOUBTS.has(one))
  if (word !== undefined) return { bars: 'changes', why: `"${word}" doubts or supposes it`, word }
  const text = said.join(' ')
  const phrase =
    /\b(what happens|what would|is it (safe|ok|okay|possible|wise|time|a good|worth|necessary)|can (i|we)|do (i|we) (need|have|want)|(am|are) (i|we|you) (going|planning|allowed|supposed)|going to|planning to|about to|in favou?r of|opinion|afraid of|good idea|bad idea|worth it)\b/.exec(
      text,
    )
  if (phrase) return { bars: 'changes', why: `"${phrase[0]}" doubts or supposes it`, word: '' }
  return asks ? { bars: 'changes', why: 'it is a question', word: '' } : undefined
}

function past(said: readonly string[]): Bar | undefined {
  const word = said.find(
    (one, at) =>
      PAST.has(one) &&
      !(one === 'already' && at === said.length - 1) &&
      !(
        one === 'last' &&
        !/^(?:night|week|month|year|time|evening|morning|hour|monday|tuesday|wednesday|thursday|friday|saturday|sunday)$/.test(
          said[at + 1] ?? '',
        )
      ),
  )
  return word === undefined ? undefined : { bars: 'changes', why: `"${word}" reports something`, word }
}

/** The word between two things of which one is wanted, unless it is part of what the actions are given. */
export function alternativeIn({ tokens }: Sentence, { actions }: Solution): string | undefined {
  const word = tokens.find(({ word: one }) => ALTERNATIVES.has(one))?.word
  return word === undefined || isValue(word, { actions }) ? undefined : word
}

/** Whether a word is part of what the actions are given. */
export function isValue(word: string, { actions }: Pick<Solution, 'actions'>): boolean {
  const given = new RegExp(`\\b${word.replaceAll(/[^\w\s]/g, '\\$&')}\\b`, 'i')
  return actions.some(({ action }) => given.test(JSON.stringify(action.input)))
}

const QUESTION_WORDS = new Set(
  'is are was were do does did has have can could should would will may might which who whom whose where when why how what'.split(
    ' ',
  ),
)

/** "do a restart" and "have the tests run" ask for it, "do we restart it" and "have you restarted it" do not. */
export const isQuestion = ([first, second]: readonly Part[]): boolean =>
  first?.kind === 'word' &&
  QUESTION_WORDS.has(first.word) &&
  !(first.word === 'do' && (second === undefined || ARTICLES.has(second.word))) &&
  !(first.word === 'have' && (second?.kind === 'text' || ARTICLES.has(second?.word ?? '')))

const ARTICLES = new Set(['a', 'an', 'the'])
