// Whether an answer may be given depends on the order of two statements in the database, and on no clock of a replica.
import { randomUUID } from 'node:crypto'
import type { ExecutionId } from '@deed/proto/ids'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { expect, it } from 'vitest'
import { admissionOf, newExecution } from '../execution/new-execution.ts'
import { openAdmissions } from './executions.ts'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'
import { openFreshness } from './written-targets.ts'

/** An execution of one step, as it is after its plan. */
async function read(db: TestDatabase<Schema>, target: string | null, tenant = 'local'): Promise<ExecutionId> {
  const incoming = {
    request: { task: 'it', mode: 'auto', priority: 'normal', dry_run: false } as const,
    principal: { tenant, user: 'user' },
    trace: '',
    waiter: undefined,
  }
  const execution = newExecution(incoming, Date.now())
  await openAdmissions(db)(admissionOf(execution, incoming))
  const spec = { kind: 'sql.query', input: target === null ? {} : { target } }
  await db.query(
    'test.task',
    `insert into desired_state (tenant, task_id, execution_id, position, name, title, task_kind, capability,
       desired_status, dependencies, priority, level, spec)
     values ($1, $2, $3, 1, 'read', 'read', 'act', 'act', 'done', '{}', 5, 0, $4)`,
    [tenant, randomUUID(), execution.execution_id, JSON.stringify(spec)],
  )
  return execution.execution_id
}

const write = (db: TestDatabase<Schema>, name: string, tenant = 'local') =>
  db.query(
    'test.write',
    `insert into written_targets (tenant, name) values ($1, $2)
     on conflict (tenant, name) do update set written_at = now()`,
    [tenant, name],
  )

it('gives an answer that was asked for after the last write, and none from before it', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  const isFresh = openFreshness(db)
  const before = await read(db, 'inventory')
  expect(await isFresh(before)).toBe(true)
  await write(db, 'target:inventory')
  const after = await read(db, 'inventory')
  expect(await Promise.all([before, after].map(isFresh))).toEqual([false, true])
})

it('tells targets and tenants apart, and takes a write to who knows what for one to all of them', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  const isFresh = openFreshness(db)
  const [own, other, foreign] = [
    await read(db, 'inventory'),
    await read(db, 'billing'),
    await read(db, 'inventory', 'b'),
  ]
  await write(db, 'target:inventory')
  expect(await Promise.all([own, other, foreign].map(isFresh))).toEqual([false, true, true])
  await write(db, '*')
  expect(await Promise.all([own, other, foreign].map(isFresh))).toEqual([false, false, true])
})

it('gives no answer of which it is not known what it was read from', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  const isFresh = openFreshness(db)
  expect(await isFresh(await read(db, null))).toBe(false)
  expect(await isFresh(randomUUID() as ExecutionId)).toBe(false)
})
