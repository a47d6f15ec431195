// Two replicas at once, on a real PostgreSQL.
import { testDatabase } from '@deed/store/test-database'
import { expect, it } from 'vitest'
import { claimDue, postponeChecks } from './due.ts'
import { migrations } from './migrations.ts'
import type { Database, Schema } from './schema.ts'

const seed = (db: Database, tenant: string, count: number, due: string) =>
  db.pool.query(
    `insert into executions (tenant, execution_id, user_name, request_hash, request, trace, status, next_check_at)
     select $1, gen_random_uuid(), 'user', '', '{}', '', 'running', now() + $3::interval from generate_series(1, $2::int)`,
    [tenant, count, due],
  )

it('are claimed by one replica each, of each tenant in its turn, and not again until the claim ends', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  await seed(db, 'busy', 1_000, '-1 hour')
  await seed(db, 'small', 10, '-1 second')
  await seed(db, 'idle', 10, '1 hour')
  const claimed = (await Promise.all(Array.from({ length: 6 }, () => claimDue(db, 150)))).flat()
  expect(new Set(claimed).size).toBe(claimed.length)
  const { rows } = await db.pool.query(
    'select tenant, count(*)::int as count from executions where execution_id = any($1) group by 1 order by 1',
    [claimed],
  )
  expect(rows).toEqual([
    { tenant: 'busy', count: expect.any(Number) },
    { tenant: 'small', count: 10 },
  ])
  const left = []
  for (;;) {
    const more = await claimDue(db, 400)
    if (more.length === 0) break
    left.push(...more)
  }
  expect(new Set([...claimed, ...left]).size).toBe(1_010)
})

it('are due again when their check says so, unless they have ended', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  await seed(db, 'local', 2, '-1 hour')
  const [one, other] = await claimDue(db, 10)
  await db.pool.query('update executions set followed_up = true where execution_id = $1', [other])
  const past = new Date(0).toISOString()
  await postponeChecks(
    db,
    [one!, other!].map((execution_id) => ({ execution_id, next_check_at: past })),
  )
  expect(await claimDue(db, 10)).toEqual([one])
})

it('are due again after half of the time that they have waited for a plan, and else after five seconds', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  await seed(db, 'local', 3, '-1 second')
  const waitedFor = async (claimed: string[], status: string, waited: string) =>
    db.pool.query(`update executions set status = $2, created_at = now() - $3::interval where execution_id = $1`, [
      claimed.pop(),
      status,
      waited,
    ])
  const { rows } = await db.pool.query<{ id: string }>('select execution_id as id from executions')
  const ids = rows.map(({ id }) => id)
  await waitedFor(ids, 'planning', '2 seconds')
  await waitedFor(ids, 'planning', '1 minute')
  await waitedFor(ids, 'running', '1 minute')
  expect(await claimDue(db, 10)).toHaveLength(3)
  const { rows: next } = await db.pool.query<{ seconds: number }>(
    `select extract(epoch from next_check_at - updated_at)::int as seconds from executions order by next_check_at`,
  )
  expect(next.map(({ seconds }) => Math.round(seconds / 5) * 5)).toEqual([5, 5, 30])
})
