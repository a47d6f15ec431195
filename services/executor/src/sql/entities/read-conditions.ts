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
const EXCEPT = new Set(['except', 'excluding', 'without'])

/** @throws {DeedError} `invalid_request`; an `UnknownWord` where a search may find the value */
export function readConditions(sentence: Sentence): Condition[] {
  const { words } = sentence
  const conditions: Condition[] = []
  const state = { not: false, has: false, or: false, joined: false, filled: false }
  const reset = (): void =>
    void Object.assign(state, { not: false, has: false, or: false, joined: false, filled: false })
  for (let at = 0; at < words.length; ) {
    const { word } = words[at]!
    const long = choose(
      sentence,
      readingsAt(sentence, at, state.has).filter(
        ({ condition, end, partial }) =>
          end > at + 1 && (condition.is === 'bounds' || (condition.is === 'values' && !partial)),
      ),
      at,
      undefined,
    )
    if (!long && (word === 'or' || word === 'nor' || word === ',' || word === 'and')) {
      state.joined = true
      state.or ||= word === 'or' || word === 'nor'
      at++
      continue
    }
    if (
      !long &&
      (NEGATIONS.has(word) || EXCEPT.has(word) || word === 'no' || (word === 'other' && words[at + 1]?.word === 'than'))
    ) {
      if (state.not) throw unclear(sentence, 'there are two negations; say it with one')
      state.not = true
      state.has ||= word === 'without' || word === 'no'
      at += word === 'other' ? 2 : 1
      continue
    }
    if (!long && (word === 'with' || word === 'having')) {
      state.has = true
      at++
      continue
    }
    if (!long && FILLERS.has(word)) {
      state.filled = true
      // "that have an owner"
      state.has ||= /^(?:have|has)$/.test(word)
      at++
      continue
    }
    const last = conditions.at(-1)
    const previous = state.joined && last?.is === 'values' ? last : undefined
    const reading = long ?? choose(sentence, readingsAt(sentence, at, state.has), at, previous)
    if (!reading) throw unexplained(sentence, at)
    const continues =
      previous !== undefined && reading.condition.is === 'values' && reading.condition.column === previous.column
    // "not in Berlin or Hamburg": neither.
    const carried = continues && previous.not && !state.not && (state.or || !state.filled)
    const condition = negate(reading.condition, state.not || carried)
    if (continues && condition.is === 'values' && condition.not === previous.not)
      conditions.splice(-1, 1, { ...previous, values: [...new Set([...previous.values, ...condition.values])] })
    else if (state.or) throw unclear(sentence, '"or" is understood between values of one column; ask two questions')
    else conditions.push(condition)
    reset()
    at = reading.end
  }
  if (state.not) throw unclear(sentence, 'it ends with a negation; say what it is about')
  if (state.or) throw unclear(sentence, 'it ends with "or"')
  return conditions
}

const negate = (condition: Condition, not: boolean): Condition =>
  not ? { ...condition, not: !condition.not } : condition

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
