/**
 * Leaves of a sentence what instructs or asks: courtesy, hedges, urgency and given reasons are taken out. What the
 * reasons name is kept, since "it" may mean it.
 */
import { ASKS_TO, COURTESY } from '@deed/proto/courtesy'
import { isCorrected, type Part } from './parts.ts'
import { FILLERS, TYPE_WORDS } from './words.ts'

export interface Normalised {
  /** The clauses that instruct or ask, together. */
  readonly parts: readonly Part[]
  /** The same, each alone. */
  readonly clauses: readonly (readonly Part[])[]
  /** All clauses without courtesy, reasons included. */
  readonly withReasons: readonly Part[]
  /** Clauses that describe: the reasons, or all there is. */
  readonly reasons: readonly (readonly Part[])[]
  /** Somebody is asked to do something: "would you restart it?" is no question. */
  readonly asksTo: boolean
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const REASON_WORDS = words('because since cause cuz coz bc cos due as')
const SUBJECTS = words(
  'it this that they he she there everything nothing something users customers clients people everybody everyone somebody someone i we you',
)
/** What a subject is, has or does when a state is described. */
export const STATES = words(`
  is are was were should has have had seems seem looks look keep keeps kept appears feels got gets went goes became becomes stays
  hangs hung crashed crashes died dies failed fails stopped broke breaks leaks leaked eats ate uses used returns returned throws
  does do did will can could not no never
  stuck down slow dead unresponsive hanging frozen broken crashing failing leaking acting misbehaving timed timing needs`)
const WISHES = words('need needs needed want wants wanted must require requires required deserves back')
const SUBJECT_WORDS_MAX = 4

/** @param begs whether the sentence has "please", which may be taken out of it already */
export function normalise(parts: readonly Part[], begs = false): Normalised {
  let asksTo = false
  const spoken: Part[][] = []
  const reasons: Part[][] = []
  const clauses: Part[][] = []
  for (const clause of clausesOf(parts)) {
    const { left: polite, asked, requests } = withoutCourtesy(clause, spoken.length === 0)
    const passive = (begs ? requestedOf(polite) : undefined) ?? gotDoneOf(polite)
    const left = passive ?? polite
    asksTo ||= asked || passive !== undefined
    if (left.length === 0) continue
    // "demo-api should be restarted, please do it"
    if (clauses.length === 0 && reasons.length === 1 && DO_IT.test(said(left)) && DUE.test(said(reasons[0]!))) continue
    const reason = !requests && isReason(left, spoken.length === 0)
    ;(reason ? reasons : clauses).push(left)
    spoken.push(left)
  }
  return {
    parts: clauses.flat(),
    clauses,
    withReasons: spoken.flat(),
    reasons,
    asksTo,
  }
}

const said = (clause: readonly Part[]): string => clause.map(({ word }) => word).join(' ')
const DO_IT = /^(?:do (?:it|that|so)|make it (?:so|happen)|go ahead)(?: now)?$/
const DUE = / (?:should|must|ought to|has to|have to|needs to|need to) be /

/** "could the shop be restarted please?" asks for it, as "the shop should be restarted" does. */
function requestedOf(clause: readonly Part[]): Part[] | undefined {
  const [modal, ...rest] = clause
  const at = rest.findIndex(({ kind, word }) => kind === 'word' && word === 'be')
  if (modal?.kind !== 'word' || !/^(?:can|could)$/.test(modal.word) || at < 1 || at > SUBJECT_WORDS_MAX)
    return undefined
  return [...rest.slice(0, at), { ...modal, word: 'should', breaks: false }, ...rest.slice(at)]
}

/** "can we get the shop restarted?" asks for it, too. */
function gotDoneOf(clause: readonly Part[]): Part[] | undefined {
  const [modal, who, get, ...rest] = clause
  const asks = /^(?:can|could|may) (?:i|we) (?:get|have) /.test(
    `${said([modal, who, get].flatMap((part) => part ?? []))} `,
  )
  const done = rest.at(-1)
  if (!asks || rest.length < 2 || rest.length > SUBJECT_WORDS_MAX || done?.kind !== 'word' || !/..ed$/.test(done.word))
    return undefined
  const as = (word: string): Part => ({ ...modal!, kind: 'word', word, breaks: false })
  return [...rest.slice(0, -1), as('should'), as('be'), done]
}

/** Clauses begin after punctuation, and with a word that gives a reason or an order. */
function clausesOf(parts: readonly Part[]): Part[][] {
  const clauses: Part[][] = []
  for (const [at, part] of parts.entries()) {
    const next = parts[at + 1]?.word
    const begins =
      at === 0 ||
      part.breaks ||
      (part.kind === 'word' &&
        // What may be another word separates nothing: "demo-api ans test-service".
        !isCorrected(part) &&
        ((REASON_WORDS.has(part.word) && isReasonAt(parts, at)) ||
          (part.word === 'and' && next !== undefined && SUBJECTS.has(next) && STATES.has(parts[at + 2]?.word ?? '')) ||
          (part.word === 'so' && next !== 'that') ||
          part.word === 'but'))
    if (begins) clauses.push([])
    clauses.at(-1)!.push(part)
  }
  return clauses
}

/** "as" and "since" give a reason only before a subject. */
function isReasonAt(parts: readonly Part[], at: number): boolean {
  const { word } = parts[at]!
  if (!['as', 'since', 'cause', 'cos', 'due'].includes(word)) return true
  const next = parts[at + 1]
  if (word === 'due') return next?.word === 'to'
  return (
    next !== undefined &&
    (next.kind === 'target' || SUBJECTS.has(next.word) || next.word === 'the' || next.word === 'our')
  )
}

function isReason(clause: readonly Part[], first: boolean): boolean {
  const [begin] = clause
  if (begin?.kind === 'word' && !isCorrected(begin) && REASON_WORDS.has(begin.word) && isReasonAt(clause, 0))
    return true
  if (isUnneeded(clause) || isNarrated(clause)) return true
  return describes(clause) && !(first && clause.some(({ word }) => WISHES.has(word)))
}

/** "we no longer need it", "nobody uses demo-api any more": a reason to remove or stop it, and no prohibition. */
export const isUnneeded = (clause: readonly Part[]): boolean =>
  /^(?:i|we|you|they|nobody|noone|no|nothing)\b.*\b(?:need|needs|needed|use|uses|used|works|work|responds|answers|happens)\b(?! to\b)|^(?!.*\bto\b).*\b(?:is|are) (?:not|no longer) (?:needed|required|used|in use|necessary)\b/.test(
    clause.map(({ word }) => word).join(' '),
  )

/** "I restarted demo-api", "they are restarting it": somebody tells what is done. */
function isNarrated([subject, ...rest]: readonly Part[]): boolean {
  if (subject?.kind !== 'word' || !NARRATORS.has(subject.word)) return false
  const verb = rest.find(({ word }) => !ADVERBS.has(word))
  return (
    verb?.kind === 'word' &&
    (/..(?:ed|ing)$/.test(verb.word) || verb.word === 'will' || verb.word === 'did') &&
    !WISHES.has(verb.word)
  )
}

const NARRATORS = words('i we they he she somebody someone you')
const ADVERBS = words('am is are was were have has had be been just already now accidentally always also only')

/** A subject and its state, as in "demo-api is stuck" and "it keeps crashing"; no wish as in "it needs a restart". */
export function describes(clause: readonly Part[]): boolean {
  let at = 0
  while (at < clause.length && ['and', 'so', 'but', 'the', 'our', 'my', 'this', 'that'].includes(clause[at]!.word)) at++
  const begin = at
  const first = clause[at] ?? clause[at - 1]
  if (!first) return false
  const named =
    ['target', 'path', 'url', 'noun', 'name'].includes(first.kind) ||
    (SUBJECTS.has(first.word) && !isCorrected(first)) ||
    at > 0
  if (!named) return false
  for (at = begin; at < Math.min(clause.length, begin + SUBJECT_WORDS_MAX); at++) {
    const { word, kind } = clause[at]!
    if (
      (WISHES.has(word) && clause[at - 1]?.word !== 'not') ||
      ((word === 'has' || word === 'have') && clause[at + 1]?.word === 'to')
    )
      return false
    if (at > begin && STATES.has(word))
      return !clause.some(
        (part, index) => WISHES.has(part.word) && part.word !== 'back' && clause[index - 1]?.word !== 'not',
      )
    if (at === begin && STATES.has(word) && SUBJECTS.has(clause[at - 1]?.word ?? '')) return true
    if (kind === 'word' && at > begin && !TYPE_WORDS.has(word) && !FILLERS.has(word)) return false
  }
  return false
}

function withoutCourtesy(clause: readonly Part[], first: boolean): { left: Part[]; asked: boolean; requests: boolean } {
  const left: Part[] = []
  let asked = false
  let requests = false
  for (let at = 0; at < clause.length; ) {
    const phrase = courtesyAt(clause, at)
    const begins = left.every(({ word }) => word === 'and' || word === 'so' || word === 'then')
    // Whom it is said to: "hey @deed, restart it".
    if (begins && clause[at]!.kind !== 'target' && clause[at]!.value.startsWith('@')) at++
    else if (phrase && (begins || !BEGINS_ONLY.has(phrase[0]!))) {
      asked ||= begins && ASKS_TO.test(phrase.join(' '))
      requests ||= WISHES.has(phrase[1] ?? '') || phrase[2] === 'like'
      at += phrase.length
    } else left.push(clause[at++]!)
  }
  // "then" between two clauses says their order.
  while (
    left[0]?.kind === 'word' &&
    ((LEADING.has(left[0].word) && !isCorrected(left[0])) || (first && left[0].word === 'then'))
  )
    left.shift()
  // Of "if you please", the last word is gone already.
  if (left.at(-1)?.word === 'you' && left.at(-2)?.word === 'if') left.splice(-2)
  return { left, asked, requests }
}

const LEADING = words('and so but')
const COURTESY_BY_FIRST = Map.groupBy(COURTESY, ([first]) => first!)

/** The longest phrase that begins there. */
const courtesyAt = (clause: readonly Part[], at: number): readonly string[] | undefined =>
  clause[at]!.kind === 'word'
    ? COURTESY_BY_FIRST.get(clause[at]!.word)?.find((words) =>
        words.every((word, index) => isWord(clause[at + index], word)),
      )
    : undefined

/** These soften only where a clause begins: "what can you do" asks. */
const BEGINS_ONLY = words(
  'hello hi hey howdy morning evening afternoon dear good can could would will are is any do somebody someone i we you let mind make be remember go feel it this that well just real simply looks apparently basically obviously ok okay quick one yes yep yeah yup',
)

const isWord = (part: Part | undefined, word: string): boolean => part?.kind === 'word' && part.word === word
