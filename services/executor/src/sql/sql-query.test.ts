import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { judgeCalls } from './judge-calls.ts'

async function withInventory(): Promise<TestExecutor> {
  const executor = await testExecutor('targets: { inventory: { type: sql, url_env: TEST_DATABASE_URL } }')
  await executor.database.query(
    'make',
    'create table public.assets (id int primary key, type text, seen timestamptz)',
    [],
  )
  await executor.database.query(
    'fill',
    `insert into public.assets values (1, 'server', '2026-01-02T03:04:05Z'), (2, 'desk', null)`,
    [],
  )
  return executor
}

const make = async ({ database }: TestExecutor, statements: readonly string[]): Promise<void> => {
  for (const [index, statement] of statements.entries()) await database.query(`make-${index}`, statement, [])
}

/** Functions that are volatile, and do no more than tell something or take time. */
const READS =
  /^(?:pg_get_\w+|pg_stat_get_\w+|pg_stat_have_stats|pg_stat_clear_snapshot|pg_control_\w+|pg_\w+_size|pg_sleep\w*|pg_is_\w+|pg_last_\w+|pg_current_(?:wal|xact)\w+|pg_\w*collation_actual_version|pg_\w*blocking_pids|pg_\w*session_is_blocked|pg_jit_available|pg_lock_status|pg_notification_queue_usage|pg_partition_\w+|pg_prepared_xact|pg_sequence_last_value|pg_show_replication_origin_status|pg_available_wal_summaries|pg_xact_\w+|txid_\w+|random\w*|setseed|array_(?:sample|shuffle)|clock_timestamp|timeofday|current_query|currval|lastval|currtid2|gen_random_uuid|uuidv\d|amvalidate|plpgsql_validator)$/

const sql = (query: string, params: (string | number)[] = []) => ({
  kind: 'sql.query',
  input: { target: 'inventory', query, params },
})

describe('reading a database', () => {
  it('gives rows that a second connection reads as well', async () => {
    await using executor = await withInventory()
    const { outcome, effect, result, evidence } = await executor.run(
      sql('select id, type, seen from public.assets where id >= $1 order by id', [1]),
    )
    expect({ outcome, effect }).toEqual({ outcome: 'done', effect: 'none' })
    expect(result?.data).toEqual({
      columns: ['id', 'type', 'seen'],
      rows: [
        { id: 1, type: 'server', seen: '2026-01-02 03:04:05+00' },
        { id: 2, type: 'desk', seen: null },
      ],
      row_count: 2,
      truncated: false,
    })
    expect(evidence?.observed).toBe('a second connection read the same 2 rows')
  })

  it('has no proof where every reading differs', async () => {
    await using executor = await withInventory()
    expect(await executor.run(sql('select clock_timestamp() as now'))).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'verification_failed' },
      evidence: { facts: { observations: 2 } },
    })
  })

  it.each([
    ['a write', `insert into public.assets values (3, 'x')`],
    ['a deletion', 'delete from public.assets'],
    ['a second statement', 'select 1; delete from public.assets'],
    ['a way out of the transaction', 'select 1; commit; delete from public.assets'],
    ['a write inside a WITH', 'with gone as (delete from public.assets returning *) select * from gone'],
    ['a table made of a query', 'select * into public.copy from public.assets'],
    ['a lock', 'select * from public.assets for update'],
    ['COPY', `copy public.assets to program 'cat'`],
    ['a DO block', `do $$ begin delete from public.assets; end $$`],
    ['reading a file', `select pg_read_file('/etc/passwd')`],
    ['reading a file under a quoted name', `select "pg_read_file"('/etc/passwd')`],
    ['reading a file under a spelled-out name', `select U&"pg\\005fread\\005ffile"('/etc/passwd')`],
    ['ending a session', 'select pg_terminate_backend(1)'],
    ['a sequence', `select nextval('s')`],
    ['a text that is run as a query', `select ts_stat('select pg_read' || '_file(''/etc/passwd'')::tsvector')`],
    ['statistics that are lost', 'select pg_stat_reset()'],
  ])('refuses %s', async (_, query) => {
    await using executor = await withInventory()
    expect(await executor.run(sql(query))).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'not_read_only' },
    })
    expect(await executor.run(sql('select count(*) as n from public.assets'))).toMatchObject({
      result: { data: { rows: [{ n: 2 }] } },
    })
  })

  it('refuses every function of the database that may do more than read', async () => {
    await using executor = await withInventory()
    const { result } = await executor.run(
      sql(`select proname, max(pronargs) as args from pg_proc
            where provolatile = 'v' and pronamespace = 'pg_catalog'::regnamespace
              and pg_get_function_arguments(oid) !~ 'internal'
              and prorettype <> all ('{trigger,language_handler}'::regtype[]) group by proname`),
    )
    const { rows } = result!.data as { rows: { proname: string; args: number }[] }
    expect(rows.length).toBeGreaterThan(100)
    const allowed = await executor.world.databases.fresh('inventory', async (client) => {
      const found: string[] = []
      for (const { proname: name, args } of rows) {
        const calls = [{ schema: undefined, name, args, attribute: false }]
        await judgeCalls(client, { calls, operators: [], relations: [] }, { code: 'not_read_only', reads: true }).then(
          () => found.push(name),
          (error: unknown) => expect(error).toMatchObject({ code: 'not_read_only' }),
        )
      }
      return found
    })
    expect(allowed.filter((name) => !READS.test(name))).toEqual([])
    expect(allowed).toContain('clock_timestamp')
  })

  it.each([
    ['a column whose name begins as a function does', 'select lo_revenue from public.lineorder', [{ lo_revenue: 7 }]],
    ['a text that mentions a function', `select 'do not lo_import this' as note`, [{ note: 'do not lo_import this' }]],
    ['a quoted column', 'select "setval" from (select 1 as setval) s', [{ setval: 1 }]],
    ['a comment that mentions a write', 'select 1 as n /* delete from x; nextval() */ -- drop', [{ n: 1 }]],
    ['a table in a common table expression', 'with t as (values (1)) table t', [{ column1: 1 }]],
    ['a function that is declared STABLE', 'select public.steady() as n', [{ n: 1 }]],
    ['a view of a table', 'select id from public.seen_view order by id', [{ id: 1 }, { id: 2 }]],
    ['a random number that is no part of the answer', 'select 1 as n where random() >= 0', [{ n: 1 }]],
    ['a semicolon at the end', 'select 1 as n;', [{ n: 1 }]],
    ['SHOW', 'show server_encoding', [{ server_encoding: 'UTF8' }]],
  ])('reads %s', async (_, query, rows) => {
    await using executor = await withInventory()
    await make(executor, [
      'create table public.lineorder (lo_orderkey int, lo_revenue int)',
      'insert into public.lineorder values (1, 7)',
      `create function public.steady() returns int stable language sql as 'select 1'`,
      'create view public.seen_view as select id, lower(type) from public.assets',
    ])
    expect(await executor.run(sql(query))).toMatchObject({ outcome: 'done', result: { data: { rows } } })
  })

  it('explains a statement that would write, and does not run it', async () => {
    await using executor = await withInventory()
    const { result } = await executor.run(sql('explain (costs off) delete from public.assets'))
    expect(result?.data).toMatchObject({ rows: [{ 'QUERY PLAN': 'Delete on assets' }, {}] })
    expect(await executor.run(sql('select count(*) as n from public.assets'))).toMatchObject({
      result: { data: { rows: [{ n: 2 }] } },
    })
  })

  it.each([
    ['a function that is declared VOLATILE', 'select public.moves()', 'moves is declared VOLATILE'],
    ['a view that calls one', 'select * from public.moving_view', 'moves is declared VOLATILE'],
    ['one that is written as a column of a row', 'select a.of_row from public.assets a', 'of_row is declared VOLATILE'],
    ['an operator that stands for one', 'select 1 <<<>>> 1', 'the operator <<<>>>'],
    ['EXPLAIN ANALYZE', 'explain analyze select 1', 'leave ANALYZE out'],
    ['EXPLAIN ANALYZE of a write', 'explain (analyze true) delete from public.assets', 'leave ANALYZE out'],
    ['a setting', 'set search_path = x', 'use sql.execute'],
    ['a lock inside of a query', 'select * from (select * from public.assets for share) a', 'leave them out'],
    ['a file of the server that a view shows', 'select * from pg_hba_file_rules', 'reaches outside the tables'],
    ['a large object', 'select lo_import($$/etc/passwd$$)', 'lo_import is not allowed'],
  ])('refuses %s, and says what to write instead', async (_, query, message) => {
    await using executor = await withInventory()
    await make(executor, [
      `create function public.moves() returns int language sql as 'select 1'`,
      `create function public.of_row(a public.assets) returns int language sql as 'select 1'`,
      `create function public.moves_two(int, int) returns int language sql as 'select 1'`,
      'create operator public.<<<>>> (function = public.moves_two, leftarg = int, rightarg = int)',
      'create view public.moving_view as select public.moves()',
    ])
    expect(await executor.run(sql(query))).toMatchObject({
      effect: 'none',
      error: { code: 'not_read_only', message: expect.stringContaining(message) },
    })
  })

  it('finds the row of a number that no JSON number holds', async () => {
    await using executor = await withInventory()
    await make(executor, [
      'create table public.big (id bigint primary key, name text)',
      `insert into public.big values (9007199254740992, 'other'), (9007199254740993, 'big')`,
    ])
    const asked = (id: string | number) => executor.run(sql('select id, name from public.big where id = $1', [id]))
    expect(await asked('9007199254740993')).toMatchObject({
      outcome: 'done',
      result: { data: { rows: [{ id: '9007199254740993', name: 'big' }] } },
    })
    expect(await asked(9007199254740992)).toMatchObject({
      effect: 'none',
      error: { path: '$.input.params[0]', message: expect.stringContaining('"9007199254740992"') },
    })
  })

  it('gives each value whole, as a JSON number only where that is exact', async () => {
    await using executor = await withInventory()
    for (const [type, text, value] of [
      ['int8', '9007199254740993', '9007199254740993'],
      ['int8', '-9007199254740992', '-9007199254740992'],
      ['int8', '5', 5],
      ['numeric', '12345678901234567890.1234567890', '12345678901234567890.1234567890'],
      ['numeric', 'NaN', 'NaN'],
      ['float8', 'NaN', 'NaN'],
      ['float8', '-Infinity', '-Infinity'],
      ['float8', '0.1', 0.1],
      ['float4', '16777217', 16777216],
      ['date', '0044-03-15 BC', '0044-03-15 BC'],
      ['timestamptz', 'infinity', 'infinity'],
      ['timestamp', '2026-01-02 03:04:05.123456', '2026-01-02 03:04:05.123456'],
      ['bytea', '\\xff00', '\\xff00'],
      ['money', '$1,234.50', '$1,234.50'],
      ['point', '(0.1,2)', '(0.1,2)'],
      ['jsonb', '{"id": 9007199254740993}', '{"id": 9007199254740993}'],
      ['jsonb', '[0.1, 1.50, {"a": null}]', [0.1, 1.5, { a: null }]],
      ['json', '{"a": 1, "a": 2}', '{"a": 1, "a": 2}'],
      ['json', '{"a": {"b": [1, "x: \\"a\\""]}}', { a: { b: [1, 'x: "a"'] } }],
      ['int8[]', '{1,9007199254740993,NULL}', [1, '9007199254740993', null]],
      ['numeric[]', '{1.10,12345678901234567890.5}', ['1.10', '12345678901234567890.5']],
      ['date[]', '{2026-01-02}', ['2026-01-02']],
      ['bool[]', '{t,f}', [true, false]],
      ['text[]', '{"a,b",c}', ['a,b', 'c']],
    ] as const) {
      const read = await executor.run(sql(`select $1::text::${type} as value`, [text]))
      expect(read, `${type} ${text}`).toMatchObject({ outcome: 'done', result: { data: { rows: [{ value }] } } })
    }
  })

  it('keeps both values of two columns with one name', async () => {
    await using executor = await withInventory()
    const names = await executor.run(
      sql(
        'select a.type, b.type, 3 as type_2, a.id as "__proto__" from public.assets a join public.assets b on a.id = 1 and b.id = 2',
      ),
    )
    expect(names.result?.data).toMatchObject({ columns: ['type', 'type_3', 'type_2', '__proto__'] })
    const [row] = (names.result!.data as { rows: object[] }).rows
    expect(Object.entries(row!)).toEqual([
      ['type', 'server'],
      ['type_3', 'desk'],
      ['type_2', 3],
      ['__proto__', 1],
    ])
    const counts = await executor.run(sql('select count(*), count(*) filter (where id > 1) from public.assets'))
    expect(counts.result?.data).toMatchObject({ rows: [{ count: 2, count_2: 1 }] })
  })

  it.each([
    ['missing', 'select $1::int + $2::int', [1], 'the query uses $2, and params has 1 value'],
    ['left over', 'select 1', [1], 'the query uses no $n, and params has 1 value'],
  ])('refuses values that are %s, and does not try again', async (_, query, params, message) => {
    await using executor = await withInventory()
    expect(await executor.run(sql(query, params))).toMatchObject({
      effect: 'none',
      error: { code: 'invalid_request', retryable: false, message: expect.stringContaining(message) },
    })
  })

  it('ends what takes too long, and refuses what is too much', async () => {
    await using executor = await withInventory()
    expect(await executor.run(sql('select pg_sleep(1000)'))).toMatchObject({ error: { code: 'limit_exceeded' } })
    expect(await executor.run(sql('select * from generate_series(1, 10001)'))).toMatchObject({
      error: { code: 'limit_exceeded' },
    })
  })

  it('names a database that is away, and a statement that is wrong', async () => {
    const url = 'postgresql://someone:secret-password@127.0.0.1:1/none'
    await using executor = await testExecutor('targets: { inventory: { type: sql, url_env: AWAY_URL } }', {
      AWAY_URL: url,
    })
    const away = await executor.run(sql('select 1'))
    expect(away).toMatchObject({ effect: 'none', error: { code: 'unavailable', retryable: true } })
    expect(JSON.stringify(away)).not.toContain('secret-password')
    await using other = await withInventory()
    expect(await other.run(sql('select nothing from public.assets'))).toMatchObject({
      error: { code: 'invalid_request' },
    })
  })
})
