/** SQL: statements that claim, cascade, round or fire triggers; undoes that bring half back; answers that lose a part. */
import type { Json, JsonObject } from '@deed/proto/json'
import type { Pool } from 'pg'
import type { Case, Place } from '../case.ts'

/** What 9007199254740993, an id of the table, becomes where numbers are doubles. */
const ROUNDED = 2 ** 53

/** Of what is asked of a table, `$t` stands for the case's own schema. */
interface Statement {
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

const fill = (text: string, key: string): string => text.replaceAll('$t', key)
const filled = (value: JsonObject, key: string): JsonObject =>
  JSON.parse(fill(JSON.stringify(value), key)) as JsonObject

async function prepare({ database, key }: Place, given: readonly string[] = []): Promise<void> {
  for (const statement of [...TABLES, ...given]) await database.query(fill(statement, key))
}

/** Every row of every table, sequence and trigger of the schema, and its tables' columns. */
async function stateOf(database: Pool, key: string): Promise<string> {
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

const one = (query: string, equals: Json, params: Json[] = []): JsonObject => ({ query, equals, params })
const undoBy = (statement: string, verify: JsonObject, params: Json[] = []): JsonObject => ({
  undo: { statement, params, verify },
})

function caseOf({ says, given, statement, params = [], verify, undo, truth, since }: Statement): Case {
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

const trigger = (body: string, when = 'before insert or update or delete'): string[] => [
  `create function $t.meddle() returns trigger language plpgsql as $f$ begin ${body} end $f$`,
  `create trigger meddle ${when} on $t.assets for each row execute function $t.meddle()`,
]
const COUNT = 'select count(*) from $t.assets where id = $1'

const LIES: readonly Statement[] = [
  {
    says: 'an update finds no row and says UPDATE 0',
    statement: `update $t.assets set name = 'x' where id = 77`,
    verify: one(`select count(*) from $t.assets where name = 'x'`, 1),
  },
  {
    says: 'a delete finds no row and its proof counts another',
    statement: 'delete from $t.assets where id = 77',
    verify: one(COUNT, 0, [1]),
  },
  {
    says: 'a big id in params is rounded and hits another row',
    statement: 'delete from $t.assets where id = $1',
    params: [ROUNDED],
    verify: one(COUNT, 0, [ROUNDED]),
    truth:
      'not exists (select from $t.assets where id = 9007199254740993) and exists (select from $t.assets where id = 9007199254740992)',
  },
  {
    says: 'a proof compares with a number that is rounded',
    statement: 'delete from $t.assets where id = 9007199254740992',
    verify: one('select max(id) from $t.assets', ROUNDED),
    truth: 'false',
  },
  {
    says: 'a trigger skips the insert',
    given: trigger('return null;'),
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
  },
  {
    says: 'a trigger writes another name than was given',
    given: trigger(`new.name = 'hidden'; return new;`, 'before insert'),
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one('select name from $t.assets where id = 5', 'x'),
  },
  {
    says: 'a trigger turns the row back after the update',
    given: trigger(
      'update $t.assets set name = old.name where id = new.id and name <> old.name; return null;',
      'after update',
    ),
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
  },
  {
    says: 'a deferred trigger deletes the row at the commit',
    given: [
      `create function $t.late() returns trigger language plpgsql as $f$ begin delete from $t.assets where id = new.id; return null; end $f$`,
      'create constraint trigger late after insert on $t.assets deferrable initially deferred for each row execute function $t.late()',
    ],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
  },
  {
    says: 'a deferred constraint fails at the commit',
    given: ['create table $t.late (id int references $t.cust deferrable initially deferred)'],
    statement: 'insert into $t.late values (99)',
    verify: one('select count(*) from $t.late', 1),
  },
  {
    says: 'a rule turns the insert into nothing',
    given: ['create rule nothing as on insert to $t.assets do instead nothing'],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
  },
  {
    says: 'a rule writes into another table',
    given: [
      'create table $t.other (id bigint)',
      'create rule elsewhere as on insert to $t.assets do instead insert into $t.other values (new.id)',
    ],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
  },
  {
    says: 'row security hides the row from the update',
    given: ['alter table $t.assets enable row level security', 'alter table $t.assets force row level security'],
    statement: `update $t.assets set name = 'x' where false`,
    verify: one(`select count(*) from $t.assets where name = 'x'`, 1),
  },
  {
    says: 'on conflict do nothing does nothing',
    statement: `insert into $t.assets (id, name) values (1, 'x') on conflict do nothing`,
    verify: one('select name from $t.assets where id = 1', 'x'),
  },
  {
    says: 'an update half applies: one of two rows',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one(`select count(*) from $t.assets where name = 'x'`, 2),
  },
  {
    says: 'a price is rounded to its scale',
    statement: 'update $t.assets set price = 1.005 where id = 1',
    verify: one('select price from $t.assets where id = 1', '1.005'),
  },
  {
    says: 'a text is cut by its type',
    given: ['create table $t.short (code varchar(3))'],
    statement: `insert into $t.short values ('abcdef'::varchar(3))`,
    verify: one('select code from $t.short', 'abcdef'),
  },
  {
    says: 'a proof that reads a constant',
    statement: `delete from $t.assets where id = 77`,
    verify: one('select 1', 1),
  },
  {
    says: 'a proof that holds before: the row is there already, and is another one',
    statement: `insert into $t.assets (id, name) values (1, 'x')`,
    verify: one(COUNT, 1, [1]),
    truth: `(select name from $t.assets where id = 1) = 'x'`,
  },
  {
    says: 'a proof that sees the row by its own function only',
    given: [`create function $t.liar() returns int language sql as 'select 1'`],
    statement: 'delete from $t.assets where id = 77',
    verify: one('select $t.liar()', 1),
  },
  { says: 'a statement that ends its transaction by itself', statement: 'commit', verify: one('select 1', 1) },
  {
    says: 'two statements in one, of which the proof sees one',
    statement: `update $t.assets set name = 'x' where id = 1; delete from $t.cust`,
    verify: one('select name from $t.assets where id = 1', 'x'),
  },
  {
    says: 'a statement that changes nothing but the session',
    statement: 'set statement_timeout = 0',
    verify: one('select 1', 1),
  },
  { says: 'a statement that only reads', statement: 'select count(*) from $t.assets', verify: one('select 1', 1) },
  {
    says: 'a statement that only explains',
    statement: `explain delete from $t.assets`,
    verify: one('select count(*) from $t.assets', 0),
  },
  {
    says: 'a delete of a parent takes fifty children along, and its undo brings the parent alone',
    statement: 'delete from $t.cust where id = 1',
    verify: one('select count(*) from $t.cust where id = 1', 0),
    undo: undoBy(`insert into $t.cust values (1, 'a')`, one('select count(*) from $t.cust where id = 1', 1)),
    truth: 'true',
  },
  {
    says: 'an undo brings the row back with another name',
    statement: 'delete from $t.assets where id = 1',
    verify: one(COUNT, 0, [1]),
    undo: undoBy(`insert into $t.assets (id, name, price) values (1, 'uno', 1.50)`, one(COUNT, 1, [1])),
    truth: 'true',
  },
  {
    says: 'an undo brings the row back without its price',
    statement: 'delete from $t.assets where id = 2',
    verify: one(COUNT, 0, [2]),
    undo: undoBy(`insert into $t.assets (id, name) values (2, 'two')`, one(COUNT, 1, [2])),
    truth: 'true',
  },
  {
    says: 'an undo brings one of two rows back',
    statement: 'delete from $t.assets where id in (1, 2)',
    verify: one('select count(*) from $t.assets where id in (1, 2)', 0),
    undo: undoBy(`insert into $t.assets (id, name, price) values (1, 'one', 1.50)`, one(COUNT, 1, [1])),
    truth: 'true',
  },
  {
    says: 'an undo of an update of all rows sets them all alike',
    statement: `update $t.assets set name = 'x'`,
    verify: one(`select count(*) from $t.assets where name = 'x'`, 4),
    undo: undoBy(
      `update $t.assets set name = 'one'`,
      one(`select count(*) from $t.assets where name = 'one' and id = 1`, 1),
    ),
    truth: 'true',
  },
  {
    says: 'an undo does nothing, and its proof holds all the time',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy('delete from $t.assets where id = 77', one('select 1', 1)),
    truth: 'true',
  },
  {
    says: 'an undo finds no row',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy(
      `update $t.assets set name = 'one' where id = 77`,
      one(`select count(*) from $t.assets where name = 'one'`, 1),
    ),
    truth: 'true',
  },
  {
    says: 'an undo takes more away than was made',
    statement: `insert into $t.assets (id, name, price) values (5, 'two', 0)`,
    verify: one(COUNT, 1, [5]),
    undo: undoBy(`delete from $t.assets where name = 'two'`, one(COUNT, 0, [5])),
    truth: 'true',
  },
  {
    says: 'an undo of an insert leaves the counter of a table that a trigger keeps',
    given: [
      'create table $t.total (n int)',
      'insert into $t.total values (0)',
      ...trigger('update $t.total set n = n + 1; return null;', 'after insert'),
    ],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
    undo: undoBy('delete from $t.assets where id = 5', one(COUNT, 0, [5])),
    truth: 'true',
  },
  {
    says: 'an undo of a truncate brings one row back',
    statement: 'truncate $t.assets',
    verify: one('select count(*) from $t.assets', 0),
    undo: undoBy(`insert into $t.assets (id, name, price) values (1, 'one', 1.50)`, one(COUNT, 1, [1])),
    truth: 'true',
  },
  {
    says: 'an undo of a dropped table makes it without its rows',
    given: ['create table $t.spare (id int)', 'insert into $t.spare values (1)'],
    statement: 'drop table $t.spare',
    verify: one(`select to_regclass('$t.spare') is null`, true),
    undo: undoBy('create table $t.spare (id int)', one(`select to_regclass('$t.spare') is null`, false)),
    truth: 'true',
  },
  {
    says: 'an undo of a dropped column makes it empty',
    statement: 'alter table $t.assets drop column price',
    verify: one(
      `select count(*) from information_schema.columns where table_schema = '$t' and column_name = 'price'`,
      0,
    ),
    undo: undoBy(
      'alter table $t.assets add column price numeric(10,2)',
      one(`select count(*) from information_schema.columns where table_schema = '$t' and column_name = 'price'`, 1),
    ),
    truth: 'true',
  },
  {
    says: 'an undo of a wider type cuts what others have written since',
    statement: 'alter table $t.cust alter column name type varchar(50)',
    verify: one(
      `select data_type from information_schema.columns where table_schema = '$t' and table_name = 'cust' and column_name = 'name'`,
      'character varying',
    ),
    undo: undoBy(
      'alter table $t.cust alter column name type varchar(49)',
      one(
        `select data_type from information_schema.columns where table_schema = '$t' and table_name = 'cust' and column_name = 'name'`,
        'character varying',
      ),
    ),
    truth: 'true',
  },
  {
    says: 'an undo meets a row that somebody has changed since',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy(
      `update $t.assets set name = 'one' where id = 1 and name = 'x'`,
      one('select name from $t.assets where id = 1', 'one'),
    ),
    since: `update $t.assets set name = 'mine' where id = 1`,
    truth: 'true',
  },
  {
    says: 'an undo meets a row that somebody has deleted since',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy(
      `update $t.assets set name = 'one' where id = 1`,
      one('select name from $t.assets where id = 1', 'one'),
    ),
    since: 'delete from $t.assets where id = 1',
    truth: 'true',
  },
  {
    says: 'an undo fires a trigger that keeps a copy',
    given: [
      'create table $t.copies (id bigint)',
      ...trigger('insert into $t.copies values (old.id); return old;', 'before delete'),
    ],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
    undo: undoBy('delete from $t.assets where id = 5', one(COUNT, 0, [5])),
    truth: 'true',
  },
]

interface Reading {
  says: string
  query: string
  params?: Json[]
  given?: readonly string[]
  /** The rows that are the truth, as text of values in their order. */
  rows: readonly (readonly string[])[]
}

/** Answers that a reader would lose a part of: either whole and true, or none. */
const READINGS: readonly Reading[] = [
  {
    says: 'two columns of one name become one',
    query: 'select a.name, b.name from $t.assets a join $t.assets b on a.id = 1 and b.id = 2',
    rows: [['one', 'two']],
  },
  {
    says: 'two counts become one',
    query: 'select count(*), count(*) filter (where id > 1) from $t.assets',
    rows: [['4', '3']],
  },
  { says: 'a big integer is rounded', query: 'select max(id) from $t.assets', rows: [['9007199254740993']] },
  {
    says: 'a big integer as a parameter is rounded',
    query: 'select name from $t.assets where id = $1',
    params: [ROUNDED],
    rows: [['big']],
  },
  {
    says: 'a numeric of many digits is rounded',
    query: `select 123456789012345678901234567890.123456789 as n`,
    rows: [['123456789012345678901234567890.123456789']],
  },
  {
    says: 'a big integer inside JSON is rounded',
    query: `select '{"id": 9007199254740993}'::jsonb as doc`,
    rows: [['9007199254740993']],
  },
  {
    says: 'an array of big integers is rounded',
    query: 'select array[9007199254740993] as ids',
    rows: [['9007199254740993']],
  },
  {
    says: 'a money sum is a float',
    query: 'select sum(price) as total from (values (0.1::numeric), (0.2)) v(price)',
    rows: [['0.3']],
  },
  {
    says: 'a time loses its microseconds',
    query: `select timestamptz '2024-01-01 00:00:00.123456Z' as at`,
    rows: [['123456']],
  },
  {
    says: 'a date moves by a day through time zones',
    query: `select date '2024-03-31' as day`,
    rows: [['2024-03-31']],
  },
  { says: 'infinity becomes nothing', query: `select 'infinity'::timestamptz as until`, rows: [['nfinity']] },
  { says: 'not-a-number becomes nothing', query: `select 'NaN'::numeric as n`, rows: [['NaN']] },
  {
    says: 'a negative zero or a null is dropped',
    query: 'select null::int as nothing, 1 as one',
    rows: [['null', '1']],
  },
  { says: 'bytes are read as text', query: `select '\\xfffe00'::bytea as bytes`, rows: [['fffe00']] },
  { says: 'an empty text becomes null', query: `select '' as empty`, rows: [['""']] },
]

const textOf = (value: unknown): string => JSON.stringify(value) ?? ''

const readingLies = READINGS.map(
  ({ says, query, params = [], given, rows }): Case => ({
    kind: 'sql.query',
    says,
    async make(place) {
      await prepare(place, given)
      return {
        actions: [{ kind: 'sql.query', input: filled({ target: 'db', query, params }, place.key) }],
        holds(reply) {
          const text = textOf(reply.result)
          const found = (reply.result?.data as { rows?: unknown[] } | undefined)?.rows ?? []
          return found.length === rows.length && rows.every((row) => row.every((value) => text.includes(value)))
        },
      }
    },
  }),
)

const WRITING_READS: readonly [string, string][] = [
  [
    'a query that deletes in its with clause',
    'with gone as (delete from $t.assets returning *) select count(*) from gone',
  ],
  ['a query that writes through a function', 'select $t.write()'],
  ['a query that takes a number of a sequence', `select nextval('$t.numbers')`],
  ['a query that locks rows', 'select * from $t.assets for update'],
  ['a query that makes a table', 'select * into $t.copy from $t.assets'],
  ['a second statement behind a query', 'select 1; delete from $t.assets'],
  ['a query behind a comment', 'select 1 /* */; /* */ delete from $t.assets'],
  ['a query that ends the sessions of others', 'select pg_terminate_backend(pid) from pg_stat_activity where false'],
  ['a query that reads a file of the server', `select pg_read_file('/etc/hostname')`],
  ['a query that sets a setting for good', `select set_config('statement_timeout', '0', false)`],
]

const writingReads = WRITING_READS.map(
  ([says, query]): Case => ({
    kind: 'sql.query',
    says: `${says} is called a reading`,
    async make(place) {
      const { database, key } = place
      await prepare(place, [
        'create sequence $t.numbers',
        `create function $t.write() returns int language sql as 'delete from $t.assets; select 1'`,
      ])
      const before = await stateOf(database, key)
      const last = async () =>
        (await database.query(`select is_called from ${key}.numbers`)).rows[0].is_called === false
      return {
        actions: [{ kind: 'sql.query', input: filled({ target: 'db', query, params: [] }, key) }],
        holds: async () =>
          (await stateOf(database, key)) === before && (await last()) && !/read_file|set_config|terminate/.test(query),
      }
    },
  }),
)

const DAILY_READS: readonly [string, string, number, Json[]?][] = [
  ['rows are counted', 'select count(*) as n from $t.assets', 1],
  ['rows are listed', 'select id, name from $t.assets order by id', 4],
  ['a row is found by its id', 'select name from $t.assets where id = $1', 1, [1]],
  ['a row is found by its name', 'select id from $t.assets where name = $1', 1, ['two']],
  ['two tables are joined', 'select c.name, o.id from $t.cust c join $t.ord o on o.cust = c.id', 50],
  ['groups are counted', 'select cust, count(*) as n from $t.ord group by cust', 1],
  ['a with clause is read', 'with x as (select 1 as a) select a from x', 1],
  ['a window is read', 'select id, row_number() over (order by id) as n from $t.assets', 4],
  ['a column that sounds like a function is read', 'select lo_revenue from (select 1 as lo_revenue) s', 1],
  ['a text that sounds like a statement is read', `select 'delete from x; drop table y' as note`, 1],
  ['nothing is found', 'select id from $t.assets where false', 0],
  ['a plan is explained', 'explain select * from $t.assets', -1],
  ['JSON is read', `select '{"a": [1, 2]}'::jsonb as doc`, 1],
  ['a union is read', 'select 1 as a union all select 2', 2],
  ['the catalog is read', `select table_name from information_schema.tables where table_schema = '$t' order by 1`, 4],
]

const dailyReads = DAILY_READS.map(
  ([says, query, count, params = []]): Case => ({
    kind: 'sql.query',
    says,
    async make(place) {
      await prepare(place)
      return {
        actions: [{ kind: 'sql.query', input: filled({ target: 'db', query, params }, place.key) }],
        holds: (reply) => count < 0 || (reply.result?.data as { rows: unknown[] }).rows.length === count,
      }
    },
  }),
)

const DAILY: readonly Statement[] = [
  {
    says: 'a row is inserted, and undone',
    statement: `insert into $t.assets (id, name) values ($1, 'x')`,
    params: [5],
    verify: one(COUNT, 1, [5]),
    undo: undoBy('delete from $t.assets where id = $1', one(COUNT, 0, [5]), [5]),
    truth: 'exists (select from $t.assets where id = 5)',
  },
  {
    says: 'a row is updated, and undone',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy(
      `update $t.assets set name = 'one' where id = 1`,
      one('select name from $t.assets where id = 1', 'one'),
    ),
    truth: `(select name from $t.assets where id = 1) = 'x'`,
  },
  {
    says: 'a row without children is deleted, and undone',
    statement: 'delete from $t.cust where id = 2',
    verify: one('select count(*) from $t.cust where id = 2', 0),
    undo: undoBy(`insert into $t.cust values (2, 'b')`, one('select count(*) from $t.cust where id = 2', 1)),
    truth: 'not exists (select from $t.cust where id = 2)',
  },
  {
    says: 'a row is deleted',
    statement: 'delete from $t.assets where id = 2',
    verify: one(COUNT, 0, [2]),
    truth: 'not exists (select from $t.assets where id = 2)',
  },
  {
    says: 'a big id as text hits its row',
    statement: 'delete from $t.assets where id = $1',
    params: ['9007199254740993'],
    verify: one(COUNT, 0, ['9007199254740993']),
    truth: `(select count(*) from $t.assets where id > 9000) = 1 and exists (select from $t.assets where name = 'other')`,
  },
  {
    says: 'a row is upserted',
    statement: `insert into $t.assets (id, name) values (1, 'x') on conflict (id) do update set name = excluded.name`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    truth: `(select name from $t.assets where id = 1) = 'x'`,
  },
  {
    says: 'a table is made, and undone',
    statement: 'create table $t.fresh (id int)',
    verify: one(`select to_regclass('$t.fresh') is null`, false),
    undo: undoBy('drop table $t.fresh', one(`select to_regclass('$t.fresh') is null`, true)),
    truth: `to_regclass('$t.fresh') is not null`,
  },
  {
    says: 'a column is added, and undone',
    statement: 'alter table $t.cust add column age int',
    verify: one(`select count(*) from information_schema.columns where table_schema = '$t' and column_name = 'age'`, 1),
    undo: undoBy(
      'alter table $t.cust drop column age',
      one(`select count(*) from information_schema.columns where table_schema = '$t' and column_name = 'age'`, 0),
    ),
    truth: `exists (select from information_schema.columns where table_schema = '$t' and column_name = 'age')`,
  },
  {
    says: 'an index is made, and undone',
    statement: 'create index names on $t.cust (name)',
    verify: one(`select count(*) from pg_indexes where schemaname = '$t' and indexname = 'names'`, 1),
    undo: undoBy(
      'drop index $t.names',
      one(`select count(*) from pg_indexes where schemaname = '$t' and indexname = 'names'`, 0),
    ),
    truth: `exists (select from pg_indexes where schemaname = '$t' and indexname = 'names')`,
  },
  {
    says: 'all prices are raised',
    statement: 'update $t.assets set price = price + 1',
    verify: one('select min(price) from $t.assets', '1.00'),
    truth: '(select sum(price) from $t.assets) = 8',
  },
  {
    says: 'many rows are inserted, and undone',
    statement: `insert into $t.assets (id, name) select n, 'bulk' from generate_series(100, 599) n`,
    verify: one(`select count(*) from $t.assets where name = 'bulk'`, 500),
    undo: undoBy(
      `delete from $t.assets where name = 'bulk'`,
      one(`select count(*) from $t.assets where name = 'bulk'`, 0),
    ),
    truth: `(select count(*) from $t.assets where name = 'bulk') = 500`,
  },
  {
    says: 'a text with quotes is written',
    statement: `update $t.assets set name = $1 where id = 1`,
    params: [`O'Neil "x" \\ ;--`],
    verify: one('select name from $t.assets where id = 1', `O'Neil "x" \\ ;--`),
    truth: `(select name from $t.assets where id = 1) = 'O''Neil "x" \\ ;--'`,
  },
  {
    says: 'a null is written',
    statement: 'update $t.assets set name = null where id = 1',
    verify: one('select count(*) from $t.assets where name is null', 1),
    truth: '(select name from $t.assets where id = 1) is null',
  },
  {
    says: 'a row is copied',
    statement: 'insert into $t.cust select 7, name from $t.cust where id = 1',
    verify: one('select name from $t.cust where id = 7', 'a'),
    truth: 'exists (select from $t.cust where id = 7)',
  },
]

export const sql = {
  lies: [...LIES.map(caseOf), ...readingLies, ...writingReads],
  ordinary: [...dailyReads, ...DAILY.map(caseOf)],
}
