/** Readings of a database: answers that lose a part, and readings that write; and what people ask every day. */
import type { Json } from '@deed/proto/json'
import type { Case } from '../case.ts'
import { COUNT, caseOf, filled, one, prepare, ROUNDED, type Statement, stateOf, undoBy } from '../tables.ts'

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
        holds: (reply) => count < 0 || (reply.result?.data as { rows?: unknown[] } | undefined)?.rows?.length === count,
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

export const sqlReads = {
  lies: [...readingLies, ...writingReads],
  ordinary: [...dailyReads, ...DAILY.map(caseOf)],
}
