// Ids by their ends, on a real PostgreSQL.
import type { IdOwner } from '@deed/proto/find-id'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrations } from '../store/migrations.ts'
import type { Schema } from '../store/schema.ts'
import { findId } from './find-id.ts'

const id = (number: number, ending: string): string => `01997d0e-0000-7000-800${number}-0000${ending}`
const ONE = id(1, '5f6a7b8c')
const OTHER = id(2, '006a7b8c')
const REVIEW = id(3, '5f6a7b8c')
const FOREIGN = id(4, '5f6a7b8c')

let db: TestDatabase<Schema>

beforeAll(async () => {
  db = await testDatabase<Schema>('orchestrator', migrations)
  for (const [tenant, execution] of [
    ['local', ONE],
    ['local', OTHER],
    ['acme', FOREIGN],
  ]) {
    await db.pool.query(
      `insert into executions (tenant, execution_id, user_name, request_hash, request, trace, status)
       values ($1, $2, 'user', '', '{}', '', 'waiting')`,
      [tenant, execution],
    )
  }
  await db.pool.query(
    `insert into desired_state (tenant, task_id, execution_id, position, name, title, task_kind, capability,
       desired_status, spec) values ('local', $1, $2, 0, 'look', 'look', 'review', 'human', 'done', '{}')`,
    [REVIEW, ONE],
  )
}, 600_000)
afterAll(() => db?.[Symbol.asyncDispose]())

const found = async (ending: string, of: IdOwner[]): Promise<string[]> => {
  const context = { principal: { tenant: 'local', user: 'user' } } as Parameters<ReturnType<typeof findId>>[1]
  const reply = await findId({ db })({ ending, of }, context)
  if (typeof reply === 'symbol') throw new Error('it has not answered')
  return reply.ids
}

describe('an id that is given by its end', () => {
  it('is found among those of the tenant', async () => {
    expect(await found('5f6a7b8c', ['execution'])).toEqual([ONE])
    expect(await found('7b8d', ['execution'])).toEqual([])
  })

  it('is every one that ends so, the newest first', async () => {
    expect(await found('7b8c', ['execution'])).toEqual([OTHER, ONE])
    expect(await found('00005f6a7b8c', ['execution'])).toEqual([ONE])
    expect(await found('f6a7b8c', ['execution'])).toEqual([ONE])
    expect(await found('e6a7b8c', ['execution'])).toEqual([])
  })

  it('is looked for among what was named alone', async () => {
    expect(await found('5f6a7b8c', ['approval'])).toEqual([REVIEW])
    expect(await found('5f6a7b8c', ['task', 'execution'])).toEqual([REVIEW, ONE])
    expect(await found('5f6a7b8c', ['grant'])).toEqual([])
  })
})
