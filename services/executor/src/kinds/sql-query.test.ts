import { DeedError } from '@deed/proto/errors'
import { describe, expect, it } from 'vitest'
import { refuseNotReading } from '../sql/read-only-query.ts'
import { type TestExecutor, testExecutor } from '../test-executor.ts'

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
/** Functions that are volatile, and do no more than tell something or take time. */
const READS =
  /^(?:pg_get_\w+|pg_stat_get_\w+|pg_stat_have_stats|pg_stat_clear_snapshot|pg_control_\w+|pg_\w+_size|pg_sleep\w*|pg_is_\w+|pg_last_\w+|pg_current_(?:wal|xact)\w+|pg_\w*collation_actual_version|pg_\w*blocking_pids|pg_\w*session_is_blocked|pg_jit_available|pg_lock_status|pg_notification_queue_usage|pg_partition_\w+|pg_prepared_xact|pg_sequence_last_value|pg_show_replication_origin_status|pg_available_wal_summaries|pg_xact_\w+|txid_\w+|random\w*|setseed|array_(?:sample|shuffle)|clock_timestamp|timeofday|current_query|currval|lastval|currtid2|gen_random_uuid|uuidv\d|amvalidate|plpgsql_validator)$/

function refuses(query: string): boolean {
  try {
    refuseNotReading(query)
    return false
  } catch (error) {
    return error instanceof DeedError && error.code === 'not_read_only'
  }
}

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
      evidence: { facts: { looks: 2 } },
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
      sql(`select distinct proname from pg_proc where provolatile = 'v' and pronamespace = 'pg_catalog'::regnamespace
             and pg_get_function_arguments(oid) !~ 'internal' and prorettype <> all ('{trigger,language_handler}'::regtype[])`),
    )
    const names = (result!.data as { rows: { proname: string }[] }).rows.map(({ proname }) => proname)
    expect(names.length).toBeGreaterThan(100)
    const allowed = names.filter((name) => !READS.test(name) && !refuses(`select ${name}()`))
    expect(allowed).toEqual([])
    // Nor by another spelling of its name.
    for (const name of names.filter((one) => !READS.test(one)))
      expect(refuses(`select 1 where "${name}"(1) is null`), name).toBe(true)
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
