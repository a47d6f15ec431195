/** Refusals that say what a word could mean: columns, and examples of their values. */
import { nearest } from '@deed/config/nearest'
import { DeedError } from '@deed/proto/errors'
import { sayCondition } from './condition.ts'
import type { Reading, Sentence } from './readings.ts'
import { UnknownWord } from './unknown-word.ts'
import { keyOf } from './values.ts'

const COLUMNS_SHOWN = 8
const EXAMPLES_SHOWN = 3
const EXAMPLE_CHARS_MAX = 40

const PATH = '$.input.conditions'

export function ambiguous(sentence: Sentence, at: number, readings: readonly Reading[]): DeedError {
  const said = sentence.words
    .slice(at, readings[0]!.end)
    .map(({ text }) => text)
    .join(' ')
  const could = readings.map(({ condition }) => shortened(sayCondition(condition)))
  const columns = [...new Set(readings.map(({ condition }) => condition.column))]
  const example = columns.length > 1 ? `; say which, as in "${columns[0]!.shown.replaceAll(/[._]/g, ' ')} ${said}"` : ''
  return new DeedError('invalid_request', `"${said}" could be ${could.join(' or ')}${example}`, {
    path: PATH,
    details: { words: said, could },
  })
}

export function unclear(sentence: Sentence, why: string): DeedError {
  const said = sentence.words.map(({ text }) => text).join(' ')
  return new DeedError('invalid_request', `"${said}" is not clear: ${why}`, { path: PATH, details: { words: said } })
}

export function unknown(sentence: Sentence, at: number): UnknownWord {
  const { words, table, values } = sentence
  const said = words[at]!.text
  const texts = table.columns.filter(({ sort }) => sort === 'text')
  const known = texts.flatMap((column) => values.get(keyOf(column))?.known.map(({ text }) => text) ?? [])
  const guess = nearest(said, [...known, ...table.columns.map(({ shown }) => shown)])
  const inside = texts.find((column) =>
    values.get(keyOf(column))?.known.some(({ text }) => text.toLowerCase().includes(said.toLowerCase())),
  )
  const hint =
    inside !== undefined
      ? `; ${inside.shown} has values with it: say "${inside.shown.replaceAll(/[._]/g, ' ')} containing ${said}"`
      : guess !== undefined
        ? `; did you mean "${guess}"?`
        : ''
  return new UnknownWord(
    'invalid_request',
    `"${said}" is neither a column of ${table.entity.noun} nor a value that was found in one${hint} (${columnsOf(sentence)})`,
    { path: PATH, details: { words: said, columns: table.columns.slice(0, 100).map(({ shown }) => shown) } },
  )
}

/** `columns are type (Windows workstations), cpus, ...` */
export function columnsOf({ table, values }: Pick<Sentence, 'table' | 'values'>): string {
  const shown = table.columns.slice(0, COLUMNS_SHOWN).map((column) => {
    const examples = column.sort === 'text' ? (values.get(keyOf(column))?.known ?? []) : []
    const texts = examples.slice(0, EXAMPLES_SHOWN).map(({ text }) => shortened(text))
    return texts.length === 0 ? column.shown : `${column.shown}: ${texts.join(', ')}`
  })
  const more = table.columns.length - shown.length
  return `columns are ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

const shortened = (text: string): string =>
  text.length > EXAMPLE_CHARS_MAX * 3 ? `${text.slice(0, EXAMPLE_CHARS_MAX * 3)} ...` : text
