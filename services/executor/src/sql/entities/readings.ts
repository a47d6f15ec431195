/** What a position of a sentence can mean: a value of a column, or a column and what is said of it. */
import { numbersAt, timesAt } from './comparisons.ts'
import type { Condition } from './condition.ts'
import { type Column, namedAt, type Table } from './table.ts'
import { keyOf, type Value, type ValuesByColumn } from './values.ts'
import { folded, isAt, isPartOf, type Word } from './words.ts'

export interface Reading {
  readonly condition: Condition
  /** The position after the last word. */
  readonly end: number
  /** Whether a value is meant by a part of its words. */
  readonly partial: boolean
}

export interface Sentence {
  readonly words: readonly Word[]
  /** The words folded; empty for a quoted one. */
  readonly plain: readonly string[]
  readonly table: Table
  readonly values: ValuesByColumn
}

const PHRASE_WORDS_MAX = 8
const PARTIAL_CHARS_MIN = 3
/** They connect a column with what is said of it. */
const LINKS = new Set(
  folded('is are was were be been equal to of in at on as named called by from has have having with'),
)
export const NEGATIONS = new Set(
  folded("not non isn't aren't wasn't weren't don't doesn't didn't hasn't haven't never"),
)
const MISSING = new Set(folded('null empty missing unset unknown blank none nobody nothing'))
const PRESENT = new Set(folded('set known present filled'))
const YES = new Set(folded('yes true on enabled'))
const NO = new Set(folded('no false off disabled'))
const PARTS: Readonly<Record<string, 'anywhere' | 'begin' | 'end'>> = {
  ...{ contain: 'anywhere', containing: 'anywhere', including: 'anywhere', like: 'anywhere' },
  ...{ 'start with': 'begin', 'starting with': 'begin', 'begin with': 'begin', 'beginning with': 'begin' },
  ...{ 'end with': 'end', 'ending with': 'end' },
}

/** Values of the column that begin at `at`: the longest phrase, a whole value before a part of one. */
export function valueAt(sentence: Sentence, column: Column, at: number): Reading | undefined {
  const { words, plain, table, values } = sentence
  const { known, complete, shared } = values.get(keyOf(column)) ?? { known: [], complete: false, shared: false }
  const named = (texts: readonly Value[], end: number): Reading => ({
    condition: { is: 'values', column, values: texts.map(({ text }) => text), not: false },
    end,
    partial: false,
  })
  const quoted = words[at]?.quoted ? words[at].text : undefined
  if (quoted !== undefined) {
    const same = known.filter(({ text }) => text === quoted)
    const found = same.length > 0 ? same : known.filter(({ text }) => text.toLowerCase() === quoted.toLowerCase())
    return found.length > 0 ? named(found, at + 1) : undefined
  }
  for (let length = Math.min(PHRASE_WORDS_MAX, plain.length - at); length > 0; length--) {
    const phrase = plain.slice(at, at + length)
    if (phrase.includes('')) continue
    const equal = known.filter((value) => value.words.length === length && isAt(phrase, value.words, 0))
    if (equal.length > 0) {
      const written = words
        .slice(at, at + length)
        .map(({ text }) => text)
        .join(' ')
      const same = equal.filter(({ text }) => text === written)
      return named(same.length > 0 ? same : equal, at + length)
    }
    const classes = shared || column.home.name === table.labelColumn?.home.name
    if (!classes || phrase.join('').length < PARTIAL_CHARS_MIN || phrase[0] === ',' || phrase.at(-1) === ',') continue
    const part = known.filter((value) => isPartOf(phrase, value.words))
    if (part.length === 0) continue
    if (complete) return { ...named(part, at + length), partial: true }
    const condition: Condition = { is: 'words', column, words: phrase.join(' '), not: false }
    return { condition, end: at + length, partial: true }
  }
  return undefined
}

/** What is said of a column that the words before `at` name. @param has whether they say that there is one: `with an owner` */
export function saidOf(sentence: Sentence, column: Column, at: number, has: boolean): Reading | undefined {
  const { words, plain } = sentence
  const reading = (condition: Condition, end: number): Reading => ({ condition, end, partial: false })
  const timed = column.sort === 'time' ? timesAt(words, at, true) : undefined
  if (timed) return reading({ is: 'bounds', column, bounds: timed.bounds, not: false }, timed.end)
  let from = at
  let not = false
  for (; from < words.length; from++) {
    // "at" is a link, and "at least 5" is none.
    if (column.sort === 'number' && numbersAt(words, from, true)) break
    if (column.sort === 'boolean' && plain[from] === 'on') break
    if (NEGATIONS.has(plain[from]!)) not = !not
    else if (!LINKS.has(plain[from]!)) break
  }
  const word = plain[from] ?? ''
  if (MISSING.has(word) && column.sort !== 'rows') return reading({ is: 'null', column, not }, from + 1)
  if (PRESENT.has(word) && column.sort !== 'rows') return reading({ is: 'null', column, not: !not }, from + 1)
  if (column.sort === 'boolean') {
    if (YES.has(word)) return reading({ is: 'true', column, not }, from + 1)
    if (NO.has(word)) return reading({ is: 'true', column, not: !not }, from + 1)
    return reading({ is: 'true', column, not: false }, at)
  }
  if (column.sort === 'number') {
    const compared = numbersAt(words, from, true)
    if (compared) return reading({ is: 'bounds', column, bounds: compared.bounds, not }, compared.end)
  }
  if (column.sort === 'time') {
    const later = timesAt(words, from, true)
    if (later) return reading({ is: 'bounds', column, bounds: later.bounds, not }, later.end)
  }
  if (column.sort === 'text') {
    const value = valueAt(sentence, column, from) ?? part(sentence, column, from)
    if (value) return { ...value, condition: { ...value.condition, not } }
    // In quotes it is a value also where no row has it.
    const quoted = words[from]
    if (quoted?.quoted) return reading({ is: 'values', column, values: [quoted.text], not }, from + 1)
  }
  if (column.sort === 'rows')
    return has
      ? reading({ is: 'bounds', column, bounds: [{ op: '>', value: '0', is: 'number' }], not: false }, at)
      : undefined
  return has || isParticiple(plain[at - 1]) ? reading({ is: 'null', column, not: true }, at) : undefined
}

const isParticiple = (word: string | undefined): boolean => word !== undefined && /[^e]ed$/.test(word)

function part({ words, plain }: Sentence, column: Column, at: number): Reading | undefined {
  const two = `${plain[at]} ${plain[at + 1]}`
  const [where, length] = Object.hasOwn(PARTS, two) ? [PARTS[two], 2] : [PARTS[plain[at] ?? ''], 1]
  const text = words[at + length]?.text
  if (where === undefined || text === undefined) return undefined
  return { condition: { is: 'part', column, where, text, not: false }, end: at + length + 1, partial: false }
}

/** Everything that the position can mean. */
export function readingsAt(sentence: Sentence, at: number, has: boolean): Reading[] {
  const { words, plain, table } = sentence
  const found: Reading[] = []
  for (const column of table.columns) {
    const named = namedAt(column, plain, at)
    const said = named > 0 ? saidOf(sentence, column, at + named, has) : undefined
    if (said) found.push(said)
    const value = column.sort === 'text' ? valueAt(sentence, column, at) : undefined
    if (value) found.push(value)
    const opposite = oppositeAt(sentence, column, at)
    if (opposite) found.push(opposite)
  }
  const numbers = numbersAt(words, at, true)
  if (numbers) {
    for (const column of table.columns) {
      const named = column.sort === 'number' || column.sort === 'rows' ? namedAt(column, plain, numbers.end) : 0
      const { bounds, end } = numbers
      if (named > 0)
        found.push({ condition: { is: 'bounds', column, bounds, not: false }, end: end + named, partial: false })
    }
  }
  const times = timesAt(words, at, false)
  if (times)
    for (const column of table.columns.filter(({ sort, own }) => sort === 'time' && own))
      found.push({
        condition: { is: 'bounds', column, bounds: times.bounds, not: false },
        end: times.end,
        partial: false,
      })
  return found
}

/** `unassigned`, `inactive`: the opposite of what a column is called. */
function oppositeAt({ plain }: Sentence, column: Column, at: number): Reading | undefined {
  const [, rest] = /^(?:un|in|non-?)(\w{4,})$/.exec(plain[at] ?? '') ?? []
  if (rest === undefined || namedAt(column, [rest], 0) === 0) return undefined
  if (column.sort === 'boolean') return { condition: { is: 'true', column, not: true }, end: at + 1, partial: false }
  if (!isParticiple(rest) || column.sort === 'rows') return undefined
  return { condition: { is: 'null', column, not: false }, end: at + 1, partial: false }
}
