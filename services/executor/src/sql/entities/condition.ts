/** One condition on the rows of an entity: as SQL with its values apart, and as a reader is shown it. */
import type { Json } from '@deed/proto/json'
import type { Bound } from './comparisons.ts'
import type { Column } from './table.ts'

export type Condition = { readonly column: Column; readonly not: boolean } & (
  | { readonly is: 'values'; readonly values: readonly string[] }
  /** A text with these words next to each other, in any case. */
  | { readonly is: 'words'; readonly words: string }
  | { readonly is: 'part'; readonly where: 'anywhere' | 'begin' | 'end'; readonly text: string }
  | { readonly is: 'null' }
  | { readonly is: 'true' }
  | { readonly is: 'bounds'; readonly bounds: readonly Bound[] }
)

/** @param param adds a value, and gives its placeholder */
export function sqlOf(condition: Condition, param: (value: Json) => string): string {
  const { column, not } = condition
  const { sql } = column
  // A row without a value does not match; negated, it does.
  const negated = (test: string): string => (not ? `(${test}) is not true` : test)
  switch (condition.is) {
    case 'values': {
      const [first = '', ...others] = condition.values
      if (others.length === 0 && not) return `${sql}::text is distinct from ${param(first)}::text`
      return negated(
        others.length === 0
          ? `${sql}::text = ${param(first)}::text`
          : `${sql}::text = any(${param([...condition.values])}::text[])`,
      )
    }
    case 'words':
      return negated(`${sql}::text ~* ${param(wholeWords(condition.words))}::text`)
    case 'part': {
      const text = `lower(${sql}::text)`
      const part = `lower(${param(condition.text)}::text)`
      if (condition.where === 'anywhere') return negated(`strpos(${text}, ${part}) > 0`)
      const side = condition.where === 'begin' ? 'left' : 'right'
      return negated(`${side}(${text}, length(${part})) = ${part}`)
    }
    case 'null':
      return `${column.key?.sql ?? sql} is ${not ? 'not ' : ''}null`
    case 'true':
      return not ? `${sql} is not true` : `${sql} is true`
    case 'bounds': {
      if (column.sort === 'rows') return rowsSql(condition, param)
      const bounds = condition.bounds.map((bound) => boundSql(column, bound, param))
      // PostgreSQL sorts NaN above all numbers.
      if (
        /^(?:real|double precision|numeric)$/.test(column.type) &&
        condition.bounds.some(({ op }) => op.startsWith('>'))
      )
        bounds.push(`${sql} <> 'NaN'`)
      return negated(bounds.join(' and '))
    }
  }
}

function rowsSql({ column, not, bounds }: Condition & { is: 'bounds' }, param: (value: Json) => string): string {
  const [only] = bounds
  if (bounds.length === 1 && only?.op === '>' && only.value === '0')
    return `${not ? 'not ' : ''}exists (select ${column.sql})`
  const tests = bounds
    .map(({ op, value }) => `(select count(*) ${column.sql}) ${op} ${param(value)}::numeric`)
    .join(' and ')
  return not ? `not (${tests})` : tests
}

function boundSql({ sql, type }: Column, { op, value, is }: Bound, param: (value: Json) => string): string {
  if (is === 'number') return `${sql} ${op} ${param(value)}::numeric`
  if (is === 'ago') return `${sql} ${op} (now() - ${param(value)}::interval)${type === 'date' ? '::date' : ''}`
  return `${sql} ${op} ${param(value)}::${type === 'timestamp with time zone' ? 'timestamptz' : type === 'date' ? 'date' : 'timestamp'}`
}

/** For a reader: `type = 'Windows workstation'`. */
export function sayCondition(condition: Condition): string {
  const { column, not } = condition
  const { shown } = column
  const quoted = (text: string): string => `'${text}'`
  switch (condition.is) {
    case 'values': {
      const [first = '', ...others] = condition.values
      if (others.length === 0) return `${shown} ${not ? 'is not' : '='} ${quoted(first)}`
      return `${shown} ${not ? 'not in' : 'in'} (${condition.values.map(quoted).join(', ')})`
    }
    case 'words':
      return `${shown} ${not ? 'does not have' : 'has'} the words ${quoted(condition.words)}`
    case 'part': {
      const how = { anywhere: 'contain', begin: 'begin with', end: 'end with' }[condition.where]
      const verb = how.replace(/^\w+/, (word) => `${word}s`)
      return `${shown} ${not ? `does not ${how}` : verb} ${quoted(condition.text)}`
    }
    case 'null':
      return `${column.key?.shown ?? shown} is ${not ? 'not ' : ''}null`
    case 'true':
      return `${shown} is ${not ? 'not ' : ''}true`
    case 'bounds': {
      const said = condition.bounds.map(
        ({ op, value, is }) => `${shown} ${op} ${is === 'ago' ? `now - ${value}` : value}`,
      )
      if (column.sort !== 'rows') return `${not ? 'not ' : ''}${said.join(' and ')}`
      const [only] = condition.bounds
      if (condition.bounds.length === 1 && only?.op === '>' && only.value === '0')
        return `${not ? 'without' : 'with'} ${shown}`
      return `${not ? 'not ' : ''}${said.map((text) => `number of ${text}`).join(' and ')}`
    }
  }
}

/** A regular expression in which the words, which are singular, are texts and nothing else. */
const wholeWords = (words: string): string =>
  `(^|\\s)${words
    .split(/\s+/)
    .map((word) => word.replaceAll(/[^\p{L}\p{N}]/gu, '\\$&').replace(/y$|$/, (end) => (end ? '(y|ies)' : '(e?s)?')))
    .join('\\s+')}(\\s|$)`
