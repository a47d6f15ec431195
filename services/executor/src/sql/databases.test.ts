// What a user's SQL leaves behind, and how much of it is read, on a real PostgreSQL.
import { until } from '@deed/process/until'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'

const CONFIG = 'targets: { inventory: { type: sql, url_env: TEST_DATABASE_URL } }'
const MEGABYTE = 1024 * 1024

interface Session {
  readonly pid: number
}

const sql = (query: string) => ({ kind: 'sql.query', input: { target: 'inventory', query, params: [] } })

async function make(executor: TestExecutor, statement: string): Promise<void> {
  await executor.database.query(`make ${statement}`.slice(0, 60), statement, [])
}

describe('a connection that is used again', () => {
  it('has nothing of what the use before left in its session', async () => {
    await using executor = await testExecutor(CONFIG)
    const { databases } = executor.world
    const sessionOf = async (client: pg.ClientBase): Promise<Session> => {
      const { rows } = await client.query<Session>(
        `select pg_backend_pid() as pid, current_setting('work_mem') as work_mem,
                current_setting('default_transaction_read_only') as read_only,
                to_regclass('pg_temp.leftover')::text as temporary,
                (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
                (select count(*)::int from pg_prepared_statements where name = 'leftover') as prepared,
                (select count(*)::int from pg_listening_channels()) as channels`,
      )
      return rows[0]!
    }
    const before = await databases.fresh('inventory', sessionOf)
    const used = await databases.pooled('inventory', async (client) => {
      for (const statement of [
        'select pg_advisory_lock(42)',
        'create temporary table leftover (id int)',
        `set work_mem = '77MB'`,
        'set default_transaction_read_only = off',
        'prepare leftover as select 1',
        'listen leftover',
      ])
        await client.query(statement.startsWith('create') ? `begin read write; ${statement}; commit` : statement)
      const session = await sessionOf(client)
      expect(session).toMatchObject({ locks: 1, work_mem: '77MB', temporary: 'leftover', prepared: 1, channels: 1 })
      return session
    })
    const after = await until(
      async () => {
        // All that the pool has, at once.
        const sessions = await Promise.all(Array.from({ length: 4 }, () => databases.pooled('inventory', sessionOf)))
        return sessions.find(({ pid }) => pid === used.pid)
      },
      { what: 'the same connection' },
    )
    expect(after).toEqual({ ...before, pid: used.pid })
  })

  it('holds no lock that a function took for a query that only reads', async () => {
    await using executor = await testExecutor(CONFIG)
    await make(
      executor,
      `create function public.asset_count() returns int language sql stable as 'select pg_advisory_lock(42); select 7'`,
    )
    expect(await executor.run(sql('select public.asset_count() as n'))).toMatchObject({
      outcome: 'done',
      result: { data: { rows: [{ n: 7 }] } },
    })
    await until(async () => (await executor.database.query('locks', ADVISORY_LOCKS, [])).length === 0, {
      what: 'the end of the lock',
    })
  })
})

describe('an answer of a database', () => {
  it.each([
    ['one value', `select repeat('x', ${30 * MEGABYTE}) as cell`],
    ['many rows', `select repeat('x', 4096) as cell from generate_series(1, 9000)`],
    ['a notice', 'select public.talk() as n'],
  ])('that is too large by %s is refused while it is read, and the next one comes', async (_, query) => {
    await using executor = await testExecutor(CONFIG)
    await make(
      executor,
      `create function public.talk() returns int language plpgsql stable as
         'begin raise notice ''%'', repeat(''x'', ${30 * MEGABYTE}); return 1; end'`,
    )
    await executor.run(sql('select 1 as n'))
    const watched = watchMemory()
    const conclusion = await executor.run(sql(query))
    const grownBytes = watched.stop()
    expect(conclusion).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'limit_exceeded', retryable: false, message: expect.stringContaining('more than 8 MB') },
    })
    expect(grownBytes).toBeLessThan(64 * MEGABYTE)
    expect(await executor.run(sql('select 2 as n'))).toMatchObject({ result: { data: { rows: [{ n: 2 }] } } })
  })

  it('that a changing statement returns is refused as well, and nothing was changed', async () => {
    await using executor = await testExecutor(CONFIG)
    await make(executor, 'create table public.notes (id int primary key, text text)')
    const conclusion = await executor.run({
      kind: 'sql.execute',
      input: {
        target: 'inventory',
        statement: `insert into public.notes values (1, repeat('x', ${30 * MEGABYTE})) returning text`,
        verify: { query: 'select count(*) from public.notes', equals: 1 },
      },
    })
    expect(conclusion).toMatchObject({ outcome: 'failed', effect: 'none', error: { code: 'limit_exceeded' } })
    expect(await executor.database.query('left', 'select from public.notes', [])).toEqual([])
  })
})

const ADVISORY_LOCKS = `select from pg_locks where locktype = 'advisory' and objid = 42`

/** The most that the memory of this process grows, outside of what the collector would free. */
function watchMemory(): { stop(): number } {
  const before = process.memoryUsage().external
  let most = before
  const poll = (): void => {
    most = Math.max(most, process.memoryUsage().external)
  }
  const timer = setInterval(poll, 1)
  return {
    stop() {
      poll()
      clearInterval(timer)
      return most - before
    },
  }
}
