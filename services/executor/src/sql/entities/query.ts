/** One statement for a question, and another that says the same in other words: a full count by a sum. */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import { ambiguous, columnsOf } from './complain.ts'
import { type Condition, sayCondition, sqlOf } from './condition.ts'
import { readConditions } from './read-conditions.ts'
import type { Sentence } from './readings.ts'
import { type Column, namedAt, type Table } from './table.ts'
import type { ValuesByColumn } from './values.ts'
import { type Word, wordsOf } from './words.ts'

export type Question = 'count' | 'list' | 'group'

export interface EntityQuery {
  readonly question: Question
  /** What is counted, as it is asked for: "Windows workstations"; and one of them. */
  readonly noun: string
  readonly singular: string
  /** The conditions for a reader; empty where there are none. */
  readonly says: string
  /** The column that rows are grouped by, for a reader. */
  readonly per?: string
  readonly statement: string
  readonly params: Json[]
  /** Of a list: how many rows it may have. */
  readonly limit: number
  /** Counts the rows that the conditions hold for, one by one instead of by a filter. */
  readonly check: string
}

export const GROUPS_MAX = 1_000
const COLUMNS_MAX = 50
const CONDITIONS_MAX = 20

export interface QuestionInput {
  readonly question: Question
  readonly conditions: readonly string[]
  readonly per?: string | undefined
  readonly limit: number
}

/** @throws {DeedError} `invalid_request` that names what the words could be */
export function conditionsOf(texts: readonly string[], table: Table, values: ValuesByColumn): Condition[] {
  const conditions = texts.flatMap((text) => readConditions(sentenceOf(text, table, values)))
  if (conditions.length > CONDITIONS_MAX)
    throw new DeedError('limit_exceeded', `more than ${CONDITIONS_MAX} conditions; ask for fewer`)
  return conditions
}

export function sentenceOf(text: string, table: Table, values: ValuesByColumn): Sentence {
  const words: Word[] | undefined = wordsOf(text)
  if (!words) throw new DeedError('invalid_request', 'a condition has too many words; say it in fewer')
  return { words, plain: words.map(({ word }) => word), table, values }
}

export function queryOf(
  { question, per, limit }: QuestionInput,
  { noun, singular }: { noun: string; singular: string },
  table: Table,
  values: ValuesByColumn,
  conditions: readonly Condition[],
): EntityQuery {
  const params: Json[] = []
  const param = (value: Json): string => `$${params.push(value)}`
  const tests = conditions.map((condition) => sqlOf(condition, param))
  const group = question === 'group' ? groupColumn(per ?? '', table, values) : undefined
  const joined = (columns: readonly Column[]): string =>
    [table.from, ...new Set(columns.flatMap(({ join }) => join ?? []))].join(' ')
  const used = conditions.map(({ column }) => column)
  const from = joined(group ? [...used, group] : used)
  const where = tests.length === 0 ? '' : ` where ${tests.map((test) => `(${test})`).join(' and ')}`
  const holds = tests.length === 0 ? 'true' : tests.map((test) => `(${test})`).join(' and ')
  const statement = {
    count: () => `select count(*) as count from ${from}${where}`,
    group: () =>
      `select ${group?.sql}::text as label, count(*) as count from ${from}${where} group by 1 order by 2 desc, 1 limit ${GROUPS_MAX + 1}`,
    list: () =>
      `select ${shownColumns(table, used)
        .map(({ sql }) => sql)
        .join(', ')} from ${from}${where} order by ${table.nameColumn.sql} limit ${limit}`,
  }[question]()
  return {
    question,
    noun,
    singular,
    says: conditions.map(sayCondition).join(' and '),
    ...(group ? { per: group.shown } : {}),
    statement,
    params,
    limit,
    check: `select coalesce(sum(case when ${holds} then 1 else 0 end), 0) as count from ${joined(used)}`,
  }
}

/** The name first, then those of the conditions. */
function shownColumns({ columns, nameColumn, labelColumn }: Table, used: readonly Column[]): Column[] {
  const own = columns.filter(({ own }) => own)
  const first = [nameColumn, ...(labelColumn ? [labelColumn] : []), ...used.filter(({ sort }) => sort !== 'rows')]
  return [...new Set([...first, ...own])].slice(0, COLUMNS_MAX)
}

/** @throws {DeedError} `invalid_request` where no column has the name, or several have */
function groupColumn(per: string, table: Table, values: ValuesByColumn): Column {
  const sentence = sentenceOf(per, table, values)
  const { plain, words } = sentence
  const from = plain.findIndex((word) => !/^(?:the|their|its|each|every|)$/.test(word))
  const named = table.columns.filter(
    (column) => column.sort !== 'rows' && from >= 0 && namedAt(column, plain, from) === plain.length - from,
  )
  if (named.length > 1)
    throw ambiguous(
      sentence,
      0,
      named.map((column) => ({ condition: { is: 'null', column, not: true }, end: words.length, partial: false })),
    )
  const [only] = named
  if (!only)
    throw new DeedError('invalid_request', `"${per}" is no column of ${table.entity.noun} (${columnsOf(sentence)})`, {
      path: '$.input.per',
    })
  return only
}

/** In a sentence: `6 Windows workstations (type = 'Windows workstation')`. */
export function sayTotal({ noun, singular, says, per }: EntityQuery, total: number): string {
  const many = total === 0 ? `no ${noun}` : counted(total, singular, noun)
  return `${many}${per === undefined ? '' : ` by ${per}`}${says === '' ? '' : ` (${says})`}`
}
