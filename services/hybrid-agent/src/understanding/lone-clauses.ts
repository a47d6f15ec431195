/**
 * Of several clauses, the one that instructs, if the others only report: "customers see timeouts on demo-api, please give
 * it a restart". A clause that may be another order is never taken for a report.
 */
import { withoutPronoun } from './clean-sentence.ts'
import type { Intents } from './intents.ts'
import { STATES } from './normalise.ts'
import { isCorrected, type Part } from './parts.ts'
import { FILLERS } from './words.ts'

/** @returns its words, with "it" replaced by what the others name; empty if several may instruct, or name other things */
export function loneClauses(
  clauses: readonly (readonly Part[])[],
  reasons: readonly (readonly Part[])[],
  intents: Intents,
): (readonly Part[])[] {
  if (clauses.length < 2) return []
  return clauses.flatMap((clause, index) => {
    const others = [...clauses.filter((_, at) => at !== index), ...reasons]
    if (clauses.some((other, at) => at !== index && mayInstruct(other, intents))) return []
    const whole = withoutPronoun(clause, others)
    const named = new Set(whole.map(({ value }) => value))
    return others.flat().every((part) => part.kind === 'word' || part.kind === 'number' || named.has(part.value))
      ? [whole]
      : []
  })
}

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/))

/** Before a noun: "the deploy", "since the last restart". */
const DETERMINERS = set('the this that these those our my your their its last latest previous no')
const PRONOUNS = set('it them this that these those both all everything')
const TIMES = set('after since before during until upon following from')
/** Nobody is told to do what these do. */
const SUBJECTS = set(`
  it he she users customers clients people everyone everybody nobody somebody someone
  latency memory cpu load errors requests responses traffic disk monitoring alerts`)
/** "we restart it" may instruct. */
const SPEAKERS = set('we i they')
/** Sentences of rules begin with them, and they ask for nothing by themselves. */
const NO_VERBS = set(
  'back after inside within throughout each every global no new zero cold rolling fresh immediate empty',
)

/** "traffic is growing", "alert fired: ...", "seeing timeouts": the first word is a subject, or tells what happens. */
function reports([begin, next, ...rest]: readonly Part[]): boolean {
  if (/..ing$/.test(begin?.word ?? '')) return true
  if (next?.kind !== 'word' || next.breaks) return false
  return STATES.has(next.word) || (/..(?:ed|ing)$/.test(next.word) && rest[0]?.kind !== 'word')
}

/** It begins as sentences of rules do, or has a word that changes something and is no noun. */
function mayInstruct(clause: readonly Part[], { firstWords, words: { verbs, typed } }: Intents): boolean {
  const [begin] = clause
  if (begin?.word === 'then' || (clause.length === 1 && begin && isCorrected(begin))) return true
  // Of a word that is unknown nobody knows what it asks for, unless the next one says what it does.
  const mayAct = (word: string): boolean => typed(word).some((one) => verbs.has(one) || firstWords.has(one))
  if (begin?.unknown && (mayAct(begin.word) || !reports(clause))) return true
  const first = clause.findIndex(
    ({ kind, word }) => kind !== 'word' || !FILLERS.has(word) || SUBJECTS.has(word) || SPEAKERS.has(word),
  )
  const subject = clause[first]?.kind === 'word' ? clause[first].word : ''
  const says =
    TIMES.has(begin?.word ?? '') ||
    SUBJECTS.has(subject) ||
    clause.some(({ kind, word }) => kind === 'word' && STATES.has(word))
  const isVerb = (word: string): boolean => verbs.has(word) && !NO_VERBS.has(word) && !SUBJECTS.has(word)
  const hasObject = (at: number): boolean => {
    const after = clause[at + 1]
    return after !== undefined && (after.kind !== 'word' || PRONOUNS.has(after.word))
  }
  const isNoun = (at: number): boolean => {
    const before = clause[at - 1]
    if (before?.kind !== 'word') return false
    // "the start it" has a misspelt "then"; "since the deploy demo-api is slow" has not.
    if (hasObject(at) && !TIMES.has(clause[at - 2]?.word ?? '')) return false
    return DETERMINERS.has(before.word) || ((verbs.has(before.word) || firstWords.has(before.word)) && isNoun(at - 1))
  }
  return clause.some(({ kind, word }, at) => {
    if (kind !== 'word') return false
    // "run `make`, the tests" names what is run; "the tests keep failing" reports.
    if (isNoun(at)) return (isVerb(word) || firstWords.has(word)) && !says
    // "ten check it" has a misspelt "then", too.
    const asks = firstWords.has(word) && hasObject(at) && !NO_VERBS.has(word) && !says
    if (isVerb(word) || asks) return !(SUBJECTS.has(subject) && at === first + 1)
    return at === first && firstWords.has(word) && !SUBJECTS.has(word) && !NO_VERBS.has(word)
  })
}
