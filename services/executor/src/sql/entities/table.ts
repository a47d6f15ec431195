/**
 * The table of an entity as the catalogue has it: its columns and those of the tables that its foreign keys name, one step
 * away, with the words that people use for them.
 */
import { DeedError } from '@deed/proto/errors'
import type { ClientBase } from 'pg'
import type { SqlTarget } from '../databases.ts'
import { relationIn } from '../relation.ts'
import { isSecretColumn } from './hidden.ts'
import { isAt, nameWords } from './words.ts'

export type Entity = SqlTarget['entities'][string] & { readonly noun: string }

/** What can be asked of a column. `rows`: of other tables, which name the entity's row. */
export type Sort = 'text' | 'boolean' | 'number' | 'time' | 'rows' | 'other'

export interface Column {
  /** For a reader: `type`, `location.name`. */
  readonly shown: string
  readonly sort: Sort
  /** The value as SQL, every identifier quoted. Of `rows`, the FROM and WHERE of a query. */
  readonly sql: string
  /** The join that `sql` needs. */
  readonly join?: string
  /** Of a column that names the row of another table: the own column that refers to it, which may be null. */
  readonly key?: { readonly shown: string; readonly sql: string }
  /** The type as PostgreSQL writes it. */
  readonly type: string
  /** The folded words that name it. */
  readonly names: readonly (readonly string[])[]
  /** The table that has it, quoted, and the column in it: where its values are read. */
  readonly home: { readonly table: string; readonly column: string; readonly oid: number; readonly name: string }
  /** Whether it is a column of the entity's own table. */
  readonly own: boolean
}

export interface Table {
  readonly entity: Entity
  /** Quoted, as it is in FROM; its alias is `t`. */
  readonly from: string
  readonly columns: readonly Column[]
  /** Of the entity's own: by which a row is named, or the first. */
  readonly nameColumn: Column
  readonly labelColumn: Column | undefined
}

/** @throws {DeedError} `invalid_request` where it is missing, is no table, or nothing in it may be read */
export async function readTable(client: ClientBase, entity: Entity, { entities }: SqlTarget): Promise<Table> {
  const [last = '', schema] = entity.table.split('.').reverse()
  const relation = await relationIn(client, { schema, name: last })
  if (!relation || !'rpvmf'.includes(relation.kind))
    throw new DeedError(
      'invalid_request',
      `there is no table ${entity.table}, which execution.yaml gives for ${entity.noun}; correct its \`table\``,
    )
  const { rows } = await client.query<Row>(COLUMNS, [relation.oid])
  const own: Column[] = []
  const referenced: Column[] = []
  const related: Column[] = []
  const perTable = Map.groupBy(
    rows.filter(({ readable, name }) => readable && !isSecretColumn(name)),
    ({ kind, via, oid }) => `${kind} ${oid} ${via}`,
  )
  for (const [, [first, ...others]] of perTable) {
    if (!first) continue
    if (first.kind === 'own') own.push(...[first, ...others].map(ownColumn))
    else if (first.kind === 'rows') related.push(relatedRows(first, entities))
    else referenced.push(...referencedColumns([first, ...others], referenced.length, entities))
  }
  // "location" is the name of the location rather than its number.
  const keys = new Set(referenced.map(({ key }) => key?.shown))
  for (const [index, column] of own.entries())
    if (keys.has(column.shown)) own[index] = { ...column, names: column.names.slice(0, 1) }
  const named = (name: string | undefined) => own.find(({ home }) => name !== undefined && home.name === name)
  const nameColumn = named(entity.name_column) ?? own[0]
  if (!nameColumn)
    throw new DeedError('invalid_request', `no column of ${entity.table} may be read; grant SELECT on it to the role`)
  return {
    entity,
    from: `${relation.quoted} t`,
    columns: [...own, ...referenced, ...related],
    nameColumn,
    labelColumn: named(entity.label_column),
  }
}

interface Row {
  readonly kind: 'own' | 'referenced' | 'rows'
  /** The column of the foreign key. */
  readonly via: string
  readonly oid: number
  readonly relname: string
  readonly table: string
  readonly name: string
  readonly quoted: string
  readonly type: string
  readonly category: string
  readonly base: number
  readonly readable: boolean
  /** `t."location_id"` and `"id"`, for a join. */
  readonly near: string
  readonly far: string
}

const NUMBERS = new Set([20, 21, 23, 700, 701, 1700])
const TIMES = new Set([1082, 1114, 1184])

function sortOf({ category, base }: Row): Sort {
  if (category === 'S' || category === 'E') return 'text'
  if (category === 'B') return 'boolean'
  if (NUMBERS.has(base)) return 'number'
  return TIMES.has(base) ? 'time' : 'other'
}

function ownColumn(row: Row): Column {
  const { name, quoted, type, table, oid } = row
  return {
    shown: name,
    sort: sortOf(row),
    sql: `t.${quoted}`,
    type,
    names: namesOf(name),
    home: { table, column: quoted, oid, name },
    own: true,
  }
}

/** The texts of one table that a foreign key names; the one that names its rows goes by the key's own words too. */
function referencedColumns(rows: readonly Row[], already: number, entities: SqlTarget['entities']): Column[] {
  const texts = rows.filter((row) => sortOf(row) === 'text')
  const [first] = texts
  if (!first) return []
  const { via, relname, table, near, far } = first
  const alias = `r${already + 1}`
  const naming = namingColumn(texts, entities)
  const [shortest = nameWords(via)] = namesOf(via).toReversed()
  return texts.map(({ name, quoted, type, oid }) => ({
    shown: `${shortest.join('_')}.${name}`,
    sort: 'text' as const,
    sql: `${alias}.${quoted}`,
    join: `left join ${table} ${alias} on ${alias}.${far} = ${near}`,
    ...(name === naming ? { key: { shown: via, sql: near } } : {}),
    type,
    names: [
      ...namesOf(name).map((words) => [...shortest, ...words]),
      ...(name === naming ? [...namesOf(via), nameWords(relname)] : namesOf(name)),
    ],
    home: { table, column: quoted, oid, name },
    own: false,
  }))
}

function namingColumn(texts: readonly Row[], entities: SqlTarget['entities']): string | undefined {
  const { relname } = texts[0]!
  const entity = Object.values(entities).find(({ table }) => table.split('.').at(-1) === relname)
  const names = texts.map(({ name }) => name)
  const usual = [entity?.name_column, 'name', 'title', 'label'].find(
    (name) => name !== undefined && names.includes(name),
  )
  return usual ?? (names.length === 1 ? names[0] : undefined)
}

/** Rows of another table that name the entity's: "customers without orders". */
function relatedRows(
  { relname, table, via, quoted, near, far, oid, type }: Row,
  entities: SqlTarget['entities'],
): Column {
  const nouns = Object.entries(entities).filter(([, entity]) => entity.table.split('.').at(-1) === relname)
  return {
    shown: relname,
    sort: 'rows',
    sql: `from ${table} o where o.${quoted} = ${near}`,
    type,
    names: [nameWords(relname), ...nouns.map(([noun]) => nameWords(noun))],
    home: { table, column: far, oid, name: via },
    own: false,
  }
}

const LEADING = new Set(['is', 'has', 'was'])
const TRAILING = new Set(['id', 'at', 'on', 'to', 'by', 'in', 'date', 'time', 'timestamp', 'name', 'count', 'number'])
/** Words that would name nearly anything. */
const TOO_SHORT = new Set(['', 'number', 'count', 'last', 'first', 'date', 'time'])

/** The name in words, and without what people leave out: `assigned_to` is "assigned to" and "assigned". Longest first. */
function namesOf(name: string): string[][] {
  const names = [nameWords(name)]
  for (let words = names[0]!; words.length > 1; ) {
    if (LEADING.has(words[0]!)) words = words.slice(1)
    else if (TRAILING.has(words.at(-1)!)) words = words.slice(0, -1)
    else break
    if (words.length === 1 && TOO_SHORT.has(words[0]!)) break
    names.push(words)
  }
  return names
}

/** How many words at `at` name the column: 0 for none. */
export const namedAt = ({ names }: Pick<Column, 'names'>, words: readonly string[], at: number): number =>
  Math.max(0, ...names.filter((name) => isAt(name, words, at)).map(({ length }) => length))

/** The table's own columns; of each table that a foreign key of one column names; one of each table whose foreign key names it. */
const COLUMNS = `
with entity as (select $1::pg_catalog.oid as oid), keys as (
  select 'referenced' as kind, c.confrelid as oid, n.attname as via, n.attname as near, f.attname as far
    from entity e join pg_catalog.pg_constraint c on c.contype = 'f' and c.conrelid = e.oid
    join pg_catalog.pg_attribute n on n.attrelid = c.conrelid and n.attnum = c.conkey[1]
    join pg_catalog.pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1]
   where pg_catalog.cardinality(c.conkey) = 1
), related as (
  select c.conrelid as oid, n.attname as via, f.attname as near
    from entity e join pg_catalog.pg_constraint c on c.contype = 'f' and c.confrelid = e.oid and c.conparentid = 0
    join pg_catalog.pg_attribute n on n.attrelid = c.conrelid and n.attnum = c.conkey[1]
    join pg_catalog.pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1]
   where pg_catalog.cardinality(c.conkey) = 1
), sources as (
  select 'own' as kind, oid, '' as via, '' as near, '' as far, null::name as only_column from entity
  union all select kind, oid, via, near, far, null from keys
  union all select 'rows', oid, via, near, via, via from related
)
select s.kind, s.via, s.oid, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname) as table,
    a.attname as name, pg_catalog.quote_ident(a.attname) as quoted, pg_catalog.format_type(a.atttypid, null) as type,
    t.typcategory as category, case when t.typtype = 'd' then t.typbasetype else t.oid end as base,
    pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') as readable,
    't.' || pg_catalog.quote_ident(s.near) as near, pg_catalog.quote_ident(s.far) as far
  from sources s join pg_catalog.pg_class c on c.oid = s.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = s.oid and a.attnum > 0 and not a.attisdropped
    and (s.only_column is null or a.attname = s.only_column)
  join pg_catalog.pg_type t on t.oid = a.atttypid
 order by s.kind = 'own' desc, s.kind, s.via, a.attnum`
