/**
 * Which values the text columns have, without reading whole tables: the first rows of each table, what the server's
 * statistics say of the rest, and for words that are in neither, one search with a time limit.
 */
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { ClientBase } from 'pg'
import { fetchRows, parseReading, readOnly } from '../read-only-query.ts'
import { isShown } from './hidden.ts'
import type { Column } from './table.ts'
import { folded } from './words.ts'

export interface Value {
  readonly text: string
  readonly words: readonly string[]
}

export interface Values {
  /** Frequent ones first where that is known. */
  readonly known: readonly Value[]
  /** Whether there are no others. */
  readonly complete: boolean
  /** Whether rows share values, so that a value is a class of rows and no name of one. */
  readonly shared: boolean
}

/** Of one column, in its home table. */
export const keyOf = ({ home }: Column): string => `${home.oid} ${home.name}`

export type ValuesByColumn = ReadonlyMap<string, Values>

const ROWS_MAX = 10_000
const CELLS_MAX = 200_000
/** Of one column; fewer where there are many columns. */
const VALUES_MAX = 200
const VALUES_MIN = 50
const VALUES_OF_ALL = 20_000
const VALUE_CHARS_MAX = 120
/** Of the reading of one table's first rows. */
const SAMPLE_MS_MAX = 2_000
const SEARCH_MS_MAX = 3_000
const FOUND_MAX = 50

/** @throws {DeedError} as `readRows`; of a table that takes too long no values are known */
export async function valuesOf(client: ClientBase, columns: readonly Column[]): Promise<Map<string, Values>> {
  const values = new Map<string, Values>()
  for (const [, ofTable] of byTable(columns)) {
    const sampled = await sample(client, ofTable)
    const statistics = sampled.some(({ complete }) => !complete) ? await statisticsOf(client, ofTable) : new Map()
    ofTable.forEach((column, index) => {
      const { texts, complete, shared } = sampled[index]!
      const known = [...new Set([...(statistics.get(column.home.name) ?? []), ...texts])].filter(
        (text) => text !== '' && text.length <= VALUE_CHARS_MAX && isShown(text),
      )
      values.set(keyOf(column), {
        known: known.map((text) => ({ text, words: folded(text) })),
        complete,
        shared: shared || statistics.has(column.home.name),
      })
    })
  }
  return values
}

const byTable = (columns: readonly Column[]): Map<number, Column[]> =>
  Map.groupBy(new Map(columns.map((column) => [keyOf(column), column])).values(), ({ home }) => home.oid)

interface Sample {
  readonly texts: readonly string[]
  readonly complete: boolean
  readonly shared: boolean
}

async function sample(client: ClientBase, columns: readonly Column[]): Promise<Sample[]> {
  const { table } = columns[0]!.home
  const limit = Math.min(ROWS_MAX, Math.ceil(CELLS_MAX / columns.length))
  const most = Math.max(VALUES_MIN, Math.min(VALUES_MAX, Math.floor(VALUES_OF_ALL / columns.length)))
  const isShort = `length(v) <= ${VALUE_CHARS_MAX}`
  const query = `with sample as (
      select ${columns.map(({ home }, index) => `${home.column}::text as v${index}`).join(', ')} from ${table} limit ${limit}
    ), cells as (
      select i, v, count(*) as n from sample
        cross join lateral (values ${columns.map((_, index) => `(${index}, v${index})`).join(', ')}) x(i, v) group by i, v
    ), ranked as (
      select *, row_number() over (partition by i order by ${isShort} desc nulls last, n desc, v) as rank from cells
    )
    select i as column, sum(n) as total, count(v) filter (where not ${isShort}) as long, coalesce(sum(n) filter (where v is not null), 0) as filled,
      coalesce(jsonb_agg(v order by rank) filter (where ${isShort} and rank <= ${most + 1}), '[]') as texts
      from ranked group by i`
  const rows = await quietly(() => read(client, query, [], SAMPLE_MS_MAX))
  return columns.map((_, index) => {
    const row = rows?.find(({ column }) => column === index)
    // Of no rows at all nothing is grouped.
    if (!row) return { texts: [], complete: rows !== undefined, shared: false }
    const texts = row.texts as string[]
    const complete = Number(row.total) < limit && texts.length <= most && row.long === 0
    return { texts, complete, shared: texts.length <= most && texts.length * 2 <= Number(row.filled) }
  })
}

/** The frequent values by the name of the column, of those that the role may read. */
async function statisticsOf(client: ClientBase, columns: readonly Column[]): Promise<Map<string, string[]>> {
  const { rows } = await readOnly(client, () =>
    client.query<{ name: string; texts: string[] }>(
      `select s.attname as name, s.most_common_vals::text::text[] as texts
         from pg_catalog.pg_stats s join pg_catalog.pg_class c on c.relname = s.tablename
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = s.schemaname
        where c.oid = $1 and s.attname = any($2) and s.most_common_vals is not null`,
      [columns[0]!.home.oid, columns.map(({ home }) => home.name)],
    ),
  )
  return new Map(rows.map(({ name, texts }) => [name, texts]))
}

/**
 * Searches the columns whose values are not all known for phrases of the sentence, as whole values in the usual cases, by
 * an index where there is one.
 *
 * @returns whether every row was compared: the search in a table ends after 3 s
 */
export async function search(
  client: ClientBase,
  columns: readonly Column[],
  phrases: readonly string[],
  values: Map<string, Values>,
): Promise<boolean> {
  let whole = true
  for (const [, ofTable] of byTable(columns.filter((column) => values.get(keyOf(column))?.complete !== true))) {
    const { table } = ofTable[0]!.home
    const query = ofTable
      .map(
        ({ home }, index) =>
          `(select distinct ${index} as column, ${home.column}::text as text from ${table} where ${home.column}::text = any($1::text[]) limit ${FOUND_MAX})`,
      )
      .join(' union all ')
    const rows = await quietly(() => read(client, query, [[...new Set(phrases.flatMap(spellings))]], SEARCH_MS_MAX))
    whole &&= rows !== undefined
    for (const { column, text } of rows ?? []) {
      const key = keyOf(ofTable[Number(column)]!)
      const { known, ...rest } = values.get(key)!
      const found = String(text)
      if (isShown(found) && !known.some((value) => value.text === found))
        values.set(key, { ...rest, known: [...known, { text: found, words: folded(found) }] })
    }
  }
  return whole
}

function spellings(phrase: string): string[] {
  const lower = phrase.toLowerCase()
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
  const cases = [
    phrase,
    lower,
    phrase.toUpperCase(),
    capital(lower),
    lower.split(' ').map(capital).join(' '),
    capital(phrase),
  ]
  return cases.flatMap((text) => (/s$/i.test(text) ? [text, text.slice(0, -1)] : [text, `${text}s`]))
}

async function read(client: ClientBase, query: string, params: Json[], timeoutMs: number) {
  const reading = await parseReading(query, params)
  const { rows } = await readOnly(client, () => fetchRows(client, reading), timeoutMs)
  return rows
}

/** @returns undefined where it takes too long */
async function quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DeedError && error.code === 'limit_exceeded') return undefined
    throw error
  }
}
