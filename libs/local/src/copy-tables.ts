/** Every table of every service's schema, out of PostgreSQL and into it, by COPY: no program of a server's version is needed. */
import { once } from 'node:events'
import type { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { counted } from '@deed/config/counted'
import type pg from 'pg'
import { escapeIdentifier } from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { type BackupList, readCompressed, writeCompressed } from './backup-folder.ts'
import { STORING, schemaOf } from './roles.ts'

export const SCHEMAS = STORING.map(schemaOf)

/** The text of values does not depend on the settings of a role or a server. */
export const AS_TEXT = `set local datestyle = iso; set local intervalstyle = postgres; set local timezone = utc;
  set local extra_float_digits = 1; set local statement_timeout = 0; set local lock_timeout = 0;
  set local idle_in_transaction_session_timeout = 0`

interface Table {
  schema: string
  table: string
  columns: string[]
}

/** Tables that survive a crash, with the columns that PostgreSQL does not compute; the records of migrations are apart. */
const TABLES = `
  select n.nspname as schema, c.relname as table,
    array_agg(a.attname::text order by a.attnum) filter (where a.attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where n.nspname = any($1) and c.relkind = 'r' and c.relpersistence = 'p' and c.relname not like 'kysely\\_migration%'
  group by 1, 2 order by 1, 2`

export const tablesOf = async (client: pg.Client): Promise<Table[]> =>
  (await client.query<Table>(TABLES, [SCHEMAS])).rows

const nameOf = ({ schema, table }: { schema: string; table: string }): string =>
  `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`

const columnsOf = ({ columns }: Table): string => columns.map((column) => escapeIdentifier(column)).join(', ')

/** Within the caller's transaction, whose snapshot it is. */
export async function readTables(
  client: pg.Client,
  folder: string,
  progress: (step: string) => void,
): Promise<Pick<BackupList, 'tables' | 'sequences' | 'migrations'>> {
  const tables: BackupList['tables'] = []
  for (const table of await tablesOf(client)) {
    const copy = client.query(copyTo(`copy ${nameOf(table)} (${columnsOf(table)}) to stdout`))
    const stored = await writeCompressed(folder, `tables/${table.schema}.${table.table}.gz`, (to) => pour(copy, to))
    tables.push({ ...table, ...stored, rows: copy.rowCount })
    if (copy.rowCount > 0) progress(`${table.schema}.${table.table}: ${counted(copy.rowCount, 'row')}`)
  }
  const { rows: sequences } = await client.query<BackupList['sequences'][number]>(
    `select schemaname as schema, sequencename as name, coalesce(last_value, 0)::text as last
     from pg_sequences where schemaname = any($1) order by 1, 2`,
    [SCHEMAS],
  )
  const migrations: BackupList['migrations'] = {}
  for (const schema of SCHEMAS) migrations[schema] = await migrationsOf(client, schema)
  return { tables, sequences, migrations }
}

async function pour(from: AsyncIterable<Buffer>, to: PassThrough): Promise<void> {
  for await (const part of from) if (!to.write(part)) await once(to, 'drain')
}

export async function migrationsOf(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select name from ${escapeIdentifier(schema)}.kysely_migration order by name`,
  )
  return rows.map(({ name }) => name)
}

/** Into empty tables that the same migrations have made, within the caller's transaction. */
export async function writeTables(
  client: pg.Client,
  folder: string,
  { tables, sequences }: BackupList,
  progress: (step: string) => void,
): Promise<void> {
  for (const table of tables) {
    const name = nameOf(table)
    // What a trigger would write is in the backup too.
    await client.query(`alter table ${name} disable trigger user`)
    const copy = client.query(copyFrom(`copy ${name} (${columnsOf(table)}) from stdin`))
    await pipeline(readCompressed(folder, table.file), copy)
    await client.query(`alter table ${name} enable trigger user`)
    if (copy.rowCount !== table.rows)
      throw new Error(`${name} got ${copy.rowCount} rows, and the backup has ${table.rows}`)
    if (table.rows > 0) progress(`${table.schema}.${table.table}: ${counted(table.rows, 'row')}`)
  }
  for (const { schema, name, last } of sequences)
    if (last !== '0')
      await client.query('select setval($1::regclass, $2::bigint)', [nameOf({ schema, table: name }), last])
}

/** What each service does to rows that come out of a backup is its own: a function of its schema. */
export async function afterRestore(client: pg.Client): Promise<void> {
  for (const schema of SCHEMAS) {
    const name = `${escapeIdentifier(schema)}.after_restore()`
    const { rows } = await client.query<{ there: boolean }>('select to_regprocedure($1) is not null as there', [name])
    if (rows[0]?.there) await client.query(`select ${name}`)
  }
}

/** @returns a table with rows; undefined where no service has written anything */
export async function tableWithRows(client: pg.Client): Promise<string | undefined> {
  for (const table of await tablesOf(client)) {
    const { rows } = await client.query(`select from ${nameOf(table)} limit 1`)
    if (rows.length > 0) return `${table.schema}.${table.table}`
  }
  return undefined
}
