/**
 * entity.find: a question over the rows of an entity, in words. They become one SELECT over the columns and values that the
 * database has, which the plan, the answer and the evidence show. Proved by a second connection that counts in another way.
 */
import { counted } from '@deed/config/counted'
import { sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { ClientBase } from 'pg'
import { z } from 'zod'
import type { Before, Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { sqlTarget } from './databases.ts'
import { findEntity, type Named } from './entities/find-entity.ts'
import { conditionsOf, type EntityQuery, GROUPS_MAX, type QuestionInput, queryOf, sayTotal } from './entities/query.ts'
import { UnknownWord } from './entities/unknown-word.ts'
import { search, valuesOf } from './entities/values.ts'
import { wordsOf } from './entities/words.ts'
import { fetchRows, parseReading, type Rows, readOnly, readRows } from './read-only-query.ts'
import { resultOf } from './sql-query.ts'

const LIST_MAX = 1_000
const NAMES_SHOWN = 50

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  /** Of execution.yaml, or a label of its rows. */
  noun: z.string().min(1).max(200),
  question: z.enum(['count', 'list', 'group']),
  conditions: z.array(z.string().max(2_000)).max(10).default([]),
  /** The column in words that rows are grouped by. */
  per: z.string().min(1).max(200).optional(),
  limit: z.int().min(1).max(LIST_MAX).default(LIST_MAX),
})
export type EntityFind = z.output<typeof Input>

type Found = Before & { query: EntityQuery & { [key: string]: Json } }

export const entityFind: Kind<EntityFind, Found> = {
  ...readingOnly,
  name: 'entity.find',
  version: 1,
  input: Input,
  example: { target: 'inventory', noun: 'assets', question: 'count', conditions: ['in Berlin'] },
  summary: ({ target, noun, question }, before) =>
    before === undefined
      ? `${question} ${noun} in ${target}`
      : `${question} ${before.query.noun} in ${target}${before.query.says === '' ? '' : ` where ${before.query.says}`}: ${before.query.statement}${valuesIn(before.query.params)}`,
  async before({ target, noun, ...asked }, { world }) {
    const sql = sqlTarget(world.config.targets, target)
    if (asked.question === 'group' && asked.per === undefined)
      throw new DeedError('missing_field', 'a question of kind group needs `per`', { path: '$.input.per' })
    const query = await world.databases.pooled(target, async (client) => {
      const named = await findEntity(client, noun, sql, target)
      return resolve(client, asked, named)
    })
    return { state: `sha256:${sha256(JSON.stringify([query.statement, query.params]))}`, query: { ...query } }
  },
  postcondition: () => ({ kind: 'same_again' }),
  async execute({ target }, { world }, { query }) {
    return effectOf(target, query, await world.databases.pooled(target, (client) => readAnswer(client, query)))
  },
  async again({ target }, { world }, first) {
    const query = first.after!.query as unknown as EntityQuery
    const { rows, total } = await world.databases.fresh(target, async (client) => ({
      rows: query.question === 'count' ? undefined : await readRows(client, query.statement, query.params),
      total: await countOf(client, query),
    }))
    const sameRows = rows === undefined || rows.sha256 === first.facts?.sha256
    const facts = { checked_by: query.check, count: total }
    if (sameRows && total === first.facts?.count)
      return {
        outcome: 'verified',
        same: true,
        observed: `a second connection counted the same ${total} by another statement${rows ? `, and read the same ${counted(rows.rows.length, 'row')}` : ''}`,
        facts,
      }
    // The data have changed between the two readings. The newer one is what the next observation is compared with.
    Object.assign(first, effectOf(target, query, { rows: rows ?? totalRow(total), total }))
    return { outcome: 'failed', same: false, observed: `a second connection counted ${total}, which differs`, facts }
  },
  environment: ({ target }, { config }) => sqlTarget(config.targets, target).environment,
}

/** From the words to the statement: what is known of the values first; for a word that is not, a search for it. */
async function resolve(client: ClientBase, asked: QuestionInput, named: Named): Promise<EntityQuery> {
  const { table, condition } = named
  const texts = table.columns.filter(({ sort }) => sort === 'text')
  const said = asked.conditions.filter((text) => text.trim() !== '')
  // Without words there is nothing to find.
  const values = said.length === 0 && asked.per === undefined ? new Map() : await valuesOf(client, texts)
  const query = (): EntityQuery =>
    queryOf(asked, named, table, values, [...(condition ? [condition] : []), ...conditionsOf(said, table, values)])
  try {
    return query()
  } catch (error) {
    if (!(error instanceof UnknownWord)) throw error
    const whole = await search(client, texts, said.flatMap(phrasesOf), values)
    try {
      return query()
    } catch (again) {
      if (whole || !(again instanceof DeedError)) throw again
      const { message, path, details } = again
      throw new DeedError('invalid_request', `${message}; not all rows were searched, as that takes too long`, {
        path,
        details,
      })
    }
  }
}

const PHRASE_WORDS_MAX = 6
const PHRASES_MAX = 500

/** Every sequence of a few words that may be a value. */
function phrasesOf(text: string): string[] {
  const words = wordsOf(text) ?? []
  return words
    .flatMap((_, from) =>
      Array.from({ length: Math.min(PHRASE_WORDS_MAX, words.length - from) }, (_, index) =>
        words
          .slice(from, from + index + 1)
          .map((word) => word.text)
          .join(' '),
      ),
    )
    .slice(0, PHRASES_MAX)
}

const totalRow = (count: number): Rows => ({ columns: ['count'], rows: [{ count }], firstType: undefined, sha256: '' })

interface Answer {
  readonly rows: Rows
  /** Rows of the entity, also those that are not listed. */
  readonly total: number
}

async function readAnswer(client: ClientBase, query: EntityQuery): Promise<Answer> {
  const rows = await readRows(client, query.statement, query.params)
  if (query.question === 'count') return { rows, total: countIn(rows) }
  if (query.question === 'list')
    return { rows, total: rows.rows.length < query.limit ? rows.rows.length : await countOf(client, query) }
  if (rows.rows.length > GROUPS_MAX)
    throw new DeedError('limit_exceeded', `${query.per} has more than ${GROUPS_MAX} values; ask per another column`)
  return { rows, total: rows.rows.reduce((sum, { count }) => sum + Number(count), 0) }
}

async function countOf(client: ClientBase, { check, params }: EntityQuery): Promise<number> {
  const reading = await parseReading(check, params)
  return countIn(await readOnly(client, () => fetchRows(client, reading)))
}

const countIn = ({ rows }: Rows): number => Number(rows[0]?.count)

function effectOf(target: string, query: EntityQuery, { rows, total }: Answer): Effect {
  const { statement, params, says } = query
  const text = textOf(query, rows, total)
  return {
    claimed: `counted ${total} in ${target}${says === '' ? '' : ` where ${says}`}`,
    result: resultOf(rows, text, {
      row_count: query.question === 'list' ? total : rows.rows.length,
      statement,
      params,
    }),
    after: { query: { ...query } },
    facts: { statement, params: [...params], count: total, sha256: rows.sha256 },
  }
}

/** The total, and the groups or the names. */
function textOf(query: EntityQuery, { columns, rows }: Rows, total: number): string {
  const sum = sayTotal(query, total)
  if (query.question === 'count' || total === 0) return sum
  const parts = rows
    .slice(0, NAMES_SHOWN)
    .map((row) => (query.question === 'group' ? `${row.count} ${cell(row.label)}` : cell(row[columns[0]!])))
  const more = (query.question === 'group' ? rows.length : total) - parts.length
  return `${sum}: ${parts.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const cell = (value: Json | undefined): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? '-' : JSON.stringify(value)

const valuesIn = (params: readonly Json[]): string =>
  params.map((value, index) => `${index === 0 ? ' with ' : ', '}$${index + 1} = ${JSON.stringify(value)}`).join('')
