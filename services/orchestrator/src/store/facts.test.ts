// Facts are read from real tables: of an empty mesh, and of one in which something is amiss.
import { testDatabase } from '@deed/store/test-database'
import { expect, it } from 'vitest'
import { readBudget, readFacts, takeExport } from './facts.ts'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'
import { addTotals } from './totals.ts'

const ID = '01a22b01-a4a7-7edb-9f24-60ad0d51'

it('are read where nothing is, and say what waits, is late and is stuck', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  const client = await db.pool.connect()
  using _ = { [Symbol.dispose]: () => client.release() }
  const names = (await readFacts(client)).map(({ name }) => name)
  expect(names).toContain('deed_exporter')
  expect(await readBudget(client)).toEqual([])

  const execution = (n: number, status: string, since: string) =>
    client.query(
      `insert into executions (execution_id, user_name, request_hash, request, trace, status, updated_at, next_check_at)
       values ('${ID}000${n}', 'user', '', '{}', '', '${status}', now() - interval '${since}', now() - interval '40 s')`,
    )
  await execution(1, 'running', '1 hour')
  await execution(2, 'running', '1 hour')
  await execution(3, 'waiting', '1 hour')
  await execution(4, 'running', '1 second')
  const task = async (n: number, capability: string, status: string, more = '') => {
    await client.query(
      `insert into desired_state (task_id, execution_id, position, name, title, task_kind, capability, desired_status, spec, created_at)
       values ('${ID}100${n}', '${ID}000${n}', 0, 'a', 'a', '${capability === 'human' ? 'review' : 'act'}', '${capability}',
         'done', '{"about": "a", "cause": "undo"}', now() - interval '5 minutes')`,
    )
    await client.query(
      `insert into actual_state (task_id, execution_id, task_kind, actual_status, progress_at, started_at, lease_expires_at)
       values ('${ID}100${n}', '${ID}000${n}', 'act', '${status}', now() - interval '5 minutes', now(), ${more || 'null'})`,
    )
  }
  await task(1, 'act', 'pending')
  await task(2, 'act', 'in_progress', `now() + interval '1 minute'`)
  await task(3, 'human', 'pending')
  await client.query(
    `insert into agents (agent_id, status, capability, slots, running) values ('one', 'busy', 'act', 5, 2)`,
  )
  await addTotals(db, [{ name: 'deed_duplicate_effects_total', labels: {} }])
  await addTotals(db, [{ name: 'deed_duplicate_effects_total', labels: {} }])
  const facts = await readFacts(client)
  const figure = (of: string, labels = {}): number | undefined =>
    facts.find((one) => one.name === of && JSON.stringify(one.labels) === JSON.stringify(labels))?.value
  // The first has no task that anybody works on.
  expect(figure('deed_executions_stuck')).toBe(1)
  expect(figure('deed_open_executions', { status: 'running' })).toBe(3)
  expect(figure('deed_tasks_ready', { capability: 'act' })).toBe(1)
  expect(figure('deed_oldest_ready_seconds')).toBeGreaterThanOrEqual(300)
  expect(figure('deed_reconcile_lag_seconds')).toBeGreaterThanOrEqual(40)
  expect(figure('deed_reviews_open', { cause: 'undo' })).toBe(1)
  expect(figure('deed_duplicate_effects_total')).toBe(2)
  expect(facts).toContainEqual({ name: 'deed_worker_slots', labels: { state: 'free', capability: 'act' }, value: 3 })
})

it('are exported by one session, and by another one once that has ended', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  const [first, second] = await Promise.all([db.pool.connect(), db.pool.connect()])
  expect(await takeExport(first)).toBe(true)
  expect(await takeExport(second)).toBe(false)
  first.release(true)
  await expect.poll(() => takeExport(second)).toBe(true)
  second.release(true)
})
