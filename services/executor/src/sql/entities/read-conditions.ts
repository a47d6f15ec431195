/** From the words of a sentence to conditions. Every word is explained, or the question is refused: nothing is guessed. */
import type { DeedError } from '@deed/proto/errors'
import { numbersAt, timesAt } from './comparisons.ts'
import { ambiguous, unclear, unknown } from './complain.ts'
import type { Condition } from './condition.ts'
import { NEGATIONS, type Reading, readingsAt, type Sentence } from './readings.ts'
import { folded } from './words.ts'

/** They say nothing by themselves. */
const FILLERS = new Set(
  folded(`a an the that which who whose where is are was were be been being do does did we our us my there now currently all any
  in on at from for to of and but also by it its they them their located based situated have has`),
)
/** They say nothing where they are no value. */
const VERBS = new Set(folded('run running use using belong belonging placed kept stored'))
const EXCEPT = new Set(['except', 'excluding', 'without'])

/** What the words since the last condition say of the next one. */
interface Said {
  not?: boolean
  /** "with", "without", "have": a column alone says that there is a value. */
  has?: boolean
  /** It must still come: "with", and nothing behind. */
  open?: boolean
  or?: boolean
  /** "and", "or" or a comma. */
  joined?: boolean
  /** A word between that says nothing, as in "and in Hamburg". */
  filled?: boolean
}

/** @throws {DeedError} `invalid_request`; an `UnknownWord` where a search may find the value */
export function readConditions(sentence: Sentence): Condition[] {
  const { words } = sentence
  const conditions: Condition[] = []
  let said: Said = {}
  for (let at = 0; at < words.length; ) {
    const last = conditions.at(-1)
    const previous = said.joined && last?.is === 'values' ? last : undefined
    const readings = readingsAt(sentence, at, said.has ?? false)
    const long = choose(sentence, readings.filter(isLong(at)), at, previous)
    const skipped = long ? 0 : skip(sentence, at, said)
    if (skipped > 0) {
      at += skipped
      continue
    }
    const reading = long ?? choose(sentence, readings, at, previous)
    if (!reading && !VERBS.has(words[at]!.word)) throw unexplained(sentence, at)
    at = reading?.end ?? at + 1
    if (!reading) continue
    const { condition } = reading
    const continues = previous !== undefined && condition.is === 'values' && condition.column === previous.column
    // "not in Berlin or Hamburg": neither.
    const carried = continues && previous.not && (said.or || !said.filled)
    const next = said.not || carried ? { ...condition, not: !condition.not } : condition
    if (continues && next.is === 'values' && next.not === previous.not)
      conditions.splice(-1, 1, { ...previous, values: [...new Set([...previous.values, ...next.values])] })
    else if (said.or) throw unclear(sentence, '"or" is understood between values of one column; ask two questions')
    else conditions.push(next)
    said = {}
  }
  if (said.not || said.or || said.open) throw unclear(sentence, 'it ends before it says which')
  return conditions
}

/** Of several words, and nothing that a shorter reading would explain better: before "not" of "Not started" is a negation. */
const isLong =
  (at: number) =>
  ({ condition: { is }, end, partial }: Reading): boolean =>
    end > at + 1 && (is === 'bounds' || (is === 'values' && !partial))

/** @returns how many words say nothing but how the next condition is meant; that is noted in `said` */
function skip(sentence: Sentence, at: number, said: Said): number {
  const { word } = sentence.words[at]!
  if (word === 'or' || word === 'nor' || word === ',' || word === 'and') {
    said.joined = true
    said.or ||= word === 'or' || word === 'nor'
    return 1
  }
  const other = word === 'other' && sentence.words[at + 1]?.word === 'than'
  if (NEGATIONS.has(word) || EXCEPT.has(word) || word === 'no' || other) {
    if (said.not) throw unclear(sentence, 'there are two negations; say it with one')
    said.not = true
    said.has ||= word === 'without' || word === 'no'
    return other ? 2 : 1
  }
  if (word === 'with' || word === 'having') {
    said.has = true
    said.open = true
    return 1
  }
  if (!FILLERS.has(word)) return 0
  said.filled = true
  // "that have an owner"
  said.has ||= word === 'have' || word === 'has'
  return 1
}

/**
 * The longest reading, a whole value before a part of one; after "Berlin or" a value of the same column.
 *
 * @throws {DeedError} where several are as good
 */
function choose(
  sentence: Sentence,
  readings: readonly Reading[],
  at: number,
  previous: Condition | undefined,
): Reading | undefined {
  const same =
    previous && readings.filter(({ condition: { is, column } }) => is === 'values' && column === previous.column)
  const from = same && same.length > 0 ? same : readings
  const length = Math.max(0, ...from.map(({ end }) => end))
  const longest = from.filter(({ end }) => end === length)
  const whole = longest.filter(({ partial }) => !partial)
  const best = whole.length > 0 ? whole : longest
  const different = new Map(best.map((reading) => [JSON.stringify(reading.condition), reading]))
  if (different.size > 1) throw ambiguous(sentence, at, [...different.values()])
  return best[0]
}

function unexplained(sentence: Sentence, at: number): DeedError {
  const { words, table } = sentence
  const numbers = numbersAt(words, at, true)
  if (numbers) {
    const columns = table.columns.filter(({ sort }) => sort === 'number' || sort === 'rows')
    return unclear(
      sentence,
      columns.length === 0
        ? 'no column is a number'
        : `say of which number, as in "more than 5 ${columns.at(-1)!.names.at(-1)!.join(' ')}": ${columns.map(({ shown }) => shown).join(', ')}`,
    )
  }
  if (timesAt(words, at, false)) return unclear(sentence, 'no column is a date or a time')
  return unknown(sentence, at)
}
