/** Tables for cases, each in a schema of its own, and statements about them. */
import type { Json, JsonObject } from '@deed/proto/json'
import type { Pool } from 'pg'
import type { Case, Place } from './case.ts'

/** What 9007199254740993, an id of the table, becomes where numbers are doubles. */
export const ROUNDED = 2 ** 53

/** Of what is asked of a table, `$t` stands for the case's own schema. */
export interface Statement {
  says: string
  given?: readonly string[]
  statement: string
  params?: Json[]
  verify: JsonObject
  undo?: JsonObject
  /** True where it was done as it was meant. Default: never. */
  truth?: string
  /** Between success and rollback. */
  since?: string
}

/** The environment variable with the URL of the database that all cases share. */
export const WORLD_VARIABLE = 'TRUTH_DATABASE_URL'

const TABLES = [
  'create schema $t',
  'create table $t.assets (id bigint primary key, name text, price numeric(10,2), at timestamptz default now())',
  `insert into $t.assets (id, name, price) values (1, 'one', 1.50), (2, 'two', 2.50), (9007199254740992, 'other', 0), (9007199254740993, 'big', 0)`,
  'create table $t.cust (id int primary key, name text)',
  'create table $t.ord (id int primary key, cust int references $t.cust on delete cascade)',
  'create table $t.note (cust int references $t.cust on delete set null, text text)',
  `insert into $t.cust values (1, 'a'), (2, 'b')`,
  'insert into $t.ord select n, 1 from generate_series(1, 50) n',
  `insert into $t.note values (1, 'n')`,
]

export const fill = (text: string, key: string): string => text.replaceAll('$t', key)
export const filled = (value: JsonObject, key: string): JsonObject =>
  JSON.parse(fill(JSON.stringify(value), key)) as JsonObject

export async function prepare({ database, key }: Place, given: readonly string[] = []): Promise<void> {
  for (const statement of [...TABLES, ...given]) await database.query(fill(statement, key))
}

/** Every row of every table, sequence and trigger of the schema, and its tables' columns. */
export async function stateOf(database: Pool, key: string): Promise<string> {
  const { rows } = await database.query<{ text: string }>(
    `select query_to_xml(format('select t.*::text from %I.%I t order by 1', schemaname, tablename), true, false, '')::text as text
       from pg_tables where schemaname = $1 order by tablename`,
    [key],
  )
  const { rows: others } = await database.query<{ text: string }>(
    `select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) as text
       from information_schema.columns where table_schema = $1
     union all select indexdef from pg_indexes where schemaname = $1
     union all select concat_ws(' ', event_object_table, trigger_name) from information_schema.triggers where trigger_schema = $1
     order by 1`,
    [key],
  )
  return [...rows, ...others].map(({ text }) => text).join('\n')
}

export const one = (query: string, equals: Json, params: Json[] = []): JsonObject => ({ query, equals, params })
export const undoBy = (statement: string, verify: JsonObject, params: Json[] = []): JsonObject => ({
  undo: { statement, params, verify },
})

export function caseOf({ says, given, statement, params = [], verify, undo, truth, since }: Statement): Case {
  return {
    kind: 'sql.execute',
    says,
    async make(place) {
      const { database, key } = place
      await prepare(place, given)
      const input = { target: 'db', statement, params, verify, ...(undo ?? {}) }
      return {
        actions: [{ kind: 'sql.execute', input: filled(input, key) }],
        async holds() {
          if (truth === undefined) return false
          const { rows } = await database.query<{ ok: boolean }>(`select (${fill(truth, key)}) as ok`)
          return rows[0]?.ok === true
        },
        world: () => stateOf(database, key),
        ...(undo === undefined && since === undefined
          ? {}
          : {
              undo: since === undefined ? (true as const) : async () => void (await database.query(fill(since, key))),
            }),
      }
    },
  }
}

export const trigger = (body: string, when = 'before insert or update or delete'): string[] => [
  `create function $t.meddle() returns trigger language plpgsql as $f$ begin ${body} end $f$`,
  `create trigger meddle ${when} on $t.assets for each row execute function $t.meddle()`,
]
export const COUNT = 'select count(*) from $t.assets where id = $1'
