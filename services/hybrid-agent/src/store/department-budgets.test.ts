// Money of the organization, on a real PostgreSQL, with a view as the organization has it.
import { randomUUID } from 'node:crypto'
import type { ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { expect, it } from 'vitest'
import { departmentBudgets } from './department-budgets.ts'
import { migrations } from './migrations.ts'
import { beginCall } from './model-calls.ts'

it('a department spends what it was given and no more; 0 is nothing, and a user without an allocation has no limit', async () => {
  await using db = await testDatabase<unknown>('hybrid_agent', migrations)
  expect(await departmentBudgets(db, 'local', 'dev')).toEqual([])
  await db.query('schema', 'create schema organization', [])
  await db.query(
    'view',
    `create view organization.budgets as select * from (values ('local', 'dev', 1000000::bigint), ('local', 'none', 0))
       as b(tenant, department, limit_microusd)`,
    [],
  )
  expect(await departmentBudgets(db, 'local', 'ann')).toEqual([])
  expect(await departmentBudgets(db, 'acme', 'dev')).toEqual([])
  expect(await departmentBudgets(db, 'local', undefined)).toEqual([])
  const begin = async (user: string, reservedMicrousd: number) => {
    const id = { tenant: 'local', taskId: randomUUID() as TaskId, number: 1 }
    return beginCall(db, id, {
      ...{ executionId: randomUUID() as ExecutionId, token: 1 as FencingToken, questionHash: 'x', model: 'm' },
      ...{ category: 'general', reservedMicrousd, budgets: await departmentBudgets(db, 'local', user) },
    })
  }
  expect(await begin('dev', 600_000)).toBe(true)
  await expect(begin('dev', 600_000)).rejects.toMatchObject({ code: 'budget_exceeded' })
  expect(await begin('dev', 400_000)).toBe(true)
  await expect(begin('none', 1)).rejects.toMatchObject({ code: 'budget_exceeded' })
  expect(await begin('none', 0)).toBe(true)
})
