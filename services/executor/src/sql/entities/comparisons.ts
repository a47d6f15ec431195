/** Numbers and times in words: "more than 5", "between 2 and 4", "older than 30 days", "since 2024-03". */
import type { Word } from './words.ts'

export interface Bound {
  readonly op: '<' | '<=' | '>' | '>=' | '='
  /** A decimal number, a date, or an interval before now such as `30 days`. */
  readonly value: string
  readonly is: 'number' | 'date' | 'ago'
}

export interface Compared {
  readonly bounds: readonly Bound[]
  /** The position after the last word. */
  readonly end: number
}

const MORE = [
  ['more', 'than'],
  ['greater', 'than'],
  ['larger', 'than'],
  ['bigger', 'than'],
  ['higher', 'than'],
]
const LESS = [
  ['less', 'than'],
  ['fewer', 'than'],
  ['smaller', 'than'],
  ['lower', 'than'],
]
/** Longest first. */
const OPERATORS: readonly (readonly [readonly string[], Bound['op']])[] = [
  ...['no', 'not'].flatMap((no) => [
    ...MORE.map((words) => [[no, ...words], '<='] as const),
    ...LESS.map((words) => [[no, ...words], '>='] as const),
  ]),
  ...MORE.map((words) => [words, '>'] as const),
  ...LESS.map((words) => [words, '<'] as const),
  ...([
    [['at', 'least'], '>='],
    [['at', 'most'], '<='],
    [['up', 'to'], '<='],
    [['equal', 'to'], '='],
    [['over'], '>'],
    [['above'], '>'],
    [['under'], '<'],
    [['below'], '<'],
    [['exactly'], '='],
    [['>='], '>='],
    [['<='], '<='],
    [['>'], '>'],
    [['<'], '<'],
    [['='], '='],
  ] as const),
]

const NUMBER = /^[+-]?\d{1,40}(?:\.\d{1,40})?$/
const GROUPED = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/

/** `more than 5`, `>5`, `5 or more`, `between 2 and 4`. @param bare whether a number alone is an equality */
export function numbersAt(words: readonly Word[], at: number, bare: boolean): Compared | undefined {
  if (words[at]?.word === 'between') {
    const low = numberAt(words, at + 1)
    const high = words[at + 2]?.word === 'and' ? numberAt(words, at + 3) : undefined
    if (low === undefined || high === undefined) return undefined
    return { bounds: [of('>=', low), of('<=', high)], end: at + 4 }
  }
  const [, sign, glued = ''] = /^(>=|<=|>|<|=)(.+)$/.exec(words[at]?.text ?? '') ?? []
  if (sign !== undefined && NUMBER.test(glued)) return { bounds: [of(sign as Bound['op'], glued)], end: at + 1 }
  const operator = operatorAt(words, at)
  const from = at + (operator?.[0].length ?? 0)
  const number = numberAt(words, from)
  if (number === undefined) return undefined
  if (operator) return { bounds: [of(operator[1], number)], end: from + 1 }
  if (words[at + 1]?.word === 'or' && words[at + 2]?.word === 'more') return { bounds: [of('>=', number)], end: at + 3 }
  if (words[at + 1]?.word === 'or' && /^(?:fewer|less)$/.test(words[at + 2]?.word ?? ''))
    return { bounds: [of('<=', number)], end: at + 3 }
  return bare ? { bounds: [of('=', number)], end: at + 1 } : undefined
}

const of = (op: Bound['op'], value: string): Bound => ({ op, value, is: 'number' })

const operatorAt = (words: readonly Word[], at: number) =>
  OPERATORS.find(([said]) => said.every((word, index) => words[at + index]?.word === word))

function numberAt(words: readonly Word[], at: number): string | undefined {
  const { text, quoted } = words[at] ?? { text: '', quoted: false }
  if (quoted) return undefined
  if (NUMBER.test(text)) return text
  return GROUPED.test(text) ? text.replaceAll(',', '') : undefined
}

const UNITS = new Set(['minute', 'hour', 'day', 'week', 'month', 'year'])
const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/
const COUNT = /^\d{1,5}$/

/**
 * `older than 30 days`, `in the last week`, `before 2024`, `in 2024-03`.
 *
 * @param named whether the words before it name a time, so that shorter forms are clear: `more than 3 days`, `2024`
 */
export function timesAt(words: readonly Word[], at: number, named: boolean): Compared | undefined {
  const word = (offset: number): string => words[at + offset]?.word ?? ''
  if (word(1) === 'than' && /^(?:older|newer|younger)$/.test(word(0))) {
    const ago = agoAt(words, at + 2)
    return ago && { bounds: [since(word(0) === 'older' ? '<' : '>', ago.value)], end: ago.end }
  }
  const operator = operatorAt(words, at)
  if (operator && operator[1] !== '=') {
    const ago = agoAt(words, at + operator[0].length)
    const past = ago && /^(?:ago|old)$/.test(words[ago.end]?.word ?? '')
    // More days ago is earlier.
    const turned = { '>': '<', '>=': '<=', '<': '>', '<=': '>=' } as const
    if (ago && (past || named))
      return { bounds: [since(turned[operator[1]], ago.value)], end: ago.end + (past ? 1 : 0) }
  }
  let from = at
  while (/^(?:in|within|during|the)$/.test(words[from]?.word ?? '')) from++
  if (/^(?:last|past)$/.test(words[from]?.word ?? '')) {
    const ago = agoAt(words, from + 1, '1')
    return ago && { bounds: [since('>=', ago.value)], end: ago.end }
  }
  if (word(0) === 'between' && word(2) === 'and') {
    const [first, last] = [periodAt(words, at + 1), periodAt(words, at + 3)]
    return first && last && { bounds: [dated('>=', first.begin), dated('<', last.end)], end: at + 4 }
  }
  const period = periodAt(words, at + 1)
  if (period) {
    if (word(0) === 'before') return { bounds: [dated('<', period.begin)], end: at + 2 }
    if (word(0) === 'after') return { bounds: [dated('>=', period.end)], end: at + 2 }
    if (/^(?:since|from)$/.test(word(0))) return { bounds: [dated('>=', period.begin)], end: at + 2 }
    if (/^(?:until|till)$/.test(word(0))) return { bounds: [dated('<', period.end)], end: at + 2 }
    if (/^(?:in|on|during)$/.test(word(0)))
      return { bounds: [dated('>=', period.begin), dated('<', period.end)], end: at + 2 }
  }
  const alone = named ? periodAt(words, at) : undefined
  return alone && { bounds: [dated('>=', alone.begin), dated('<', alone.end)], end: at + 1 }
}

const since = (op: Bound['op'], value: string): Bound => ({ op, value, is: 'ago' })
const dated = (op: Bound['op'], value: string): Bound => ({ op, value, is: 'date' })

function agoAt(words: readonly Word[], at: number, without?: string): { value: string; end: number } | undefined {
  const given = COUNT.test(words[at]?.text ?? '') ? words[at]!.text : undefined
  const count = given ?? (/^an?$/.test(words[at]?.word ?? '') ? '1' : without)
  const unit = words[at + (count === without && given === undefined ? 0 : 1)]?.word ?? ''
  if (count === undefined || !UNITS.has(unit)) return undefined
  const end = at + (count === without && given === undefined ? 1 : 2)
  return { value: `${count} ${unit}${count === '1' ? '' : 's'}`, end }
}

/** A year, a month or a day, from its first day to the first day after it. */
function periodAt(words: readonly Word[], at: number): { begin: string; end: string } | undefined {
  const [, year, month, day] = DATE.exec(words[at]?.text ?? '') ?? []
  if (year === undefined || words[at]!.quoted || Number(year) < 1900 || Number(year) > 2999) return undefined
  const begin = new Date(Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1)))
  const end = new Date(begin)
  if (day !== undefined) end.setUTCDate(end.getUTCDate() + 1)
  else if (month !== undefined) end.setUTCMonth(end.getUTCMonth() + 1)
  else end.setUTCFullYear(end.getUTCFullYear() + 1)
  const iso = (date: Date): string => date.toISOString().slice(0, 10)
  // The 30th of February would be another day.
  return iso(begin).startsWith(words[at]!.text) ? { begin: iso(begin), end: iso(end) } : undefined
}
