import type { JsonObject } from '@deed/proto/json'
import { actionIdOf } from '@deed/worker/action-id'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'

async function withShelf(): Promise<TestExecutor> {
  const executor = await testExecutor('targets: { shop: { type: sql, url_env: TEST_DATABASE_URL } }')
  await executor.database.query('make', 'create table public.shelf (id int primary key, n int not null)', [])
  await executor.database.query('fill', 'insert into public.shelf values (1, 10), (2, 20)', [])
  return executor
}

const rows = async ({ database }: TestExecutor) =>
  (await database.query<{ id: number; n: number }>('all', 'select id, n from public.shelf order by id', [])).map(
    ({ id, n }) => [id, n],
  )

const amount = (id: number, equals: number) => ({
  query: 'select n from public.shelf where id = $1',
  params: [id],
  equals,
})
const execute = (statement: string, params: number[], more: object = {}) => ({
  kind: 'sql.execute',
  input: { target: 'shop', statement, params, verify: amount(1, 11), ...more } as JsonObject,
})
const TAKE_BACK = {
  undo: { statement: 'update public.shelf set n = n - 1 where id = $1', params: [1], verify: amount(1, 10) },
}
const addOne = (more: object = {}) => execute('update public.shelf set n = n + 1 where id = $1', [1], more)

describe('changing a database', () => {
  it('is proved inside the transaction and on another connection', async () => {
    await using executor = await withShelf()
    expect(await executor.run(addOne())).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { claimed: 'UPDATE changed 1 row on shop', outcome: 'verified', facts: { rows_changed: 1 } },
    })
    expect(await rows(executor)).toEqual([
      [1, 11],
      [2, 20],
    ])
  })

  it('does nothing where it is so already', async () => {
    await using executor = await withShelf()
    await executor.run(addOne())
    expect(await executor.run(addOne())).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
    expect((await rows(executor))[0]).toEqual([1, 11])
  })

  it('commits nothing whose proof fails, nor what the database refuses', async () => {
    await using executor = await withShelf()
    expect(await executor.run(execute('update public.shelf set n = n + 2 where id = $1', [1]))).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'verification_failed' },
    })
    expect(await executor.run(execute('insert into public.shelf values ($1, 11)', [2]))).toMatchObject({
      effect: 'none',
      error: { code: 'effect_failed', details: { sqlstate: '23505' } },
    })
    expect(await rows(executor)).toEqual([
      [1, 10],
      [2, 20],
    ])
  })

  it('cannot be undone without a statement that does it', async () => {
    await using executor = await withShelf()
    const work = await executor.dispatch(addOne())
    await executor.attempt(work)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'not_undoable' } })
    expect((await rows(executor))[0]).toEqual([1, 11])
  })

  it('is undone by the statement that it brings, proved as well, and once', async () => {
    await using executor = await withShelf()
    const work = await executor.dispatch(addOne(TAKE_BACK))
    await executor.attempt(work)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect((await rows(executor))[0]).toEqual([1, 10])
  })

  it('is not undone once somebody has changed the rows', async () => {
    await using executor = await withShelf()
    const work = await executor.dispatch(addOne(TAKE_BACK))
    await executor.attempt(work)
    await executor.database.query('edit', 'update public.shelf set n = 99 where id = 1', [])
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect((await rows(executor))[0]).toEqual([1, 99])
  })

  it('wants a proof of the undo that can be judged', async () => {
    await using executor = await withShelf()
    const undo = { ...TAKE_BACK.undo, verify: amount(1, 9) }
    expect(await executor.run(addOne({ undo }))).toMatchObject({
      effect: 'none',
      error: { code: 'precondition_failed' },
    })
  })

  it.each([
    ['done', 'update public.shelf set n = 11 where id = 1'],
    ['not done', 'select 1'],
  ])('is done once by an attempt that takes over what was %s', async (_, statement) => {
    await using executor = await withShelf()
    const work = await executor.dispatch(addOne())
    await dies(executor, work, 'before_effect')
    await executor.database.query('meanwhile', statement, [])
    expect(await executor.run(work.action, { after: work })).toMatchObject({ outcome: 'done' })
    expect((await rows(executor))[0]).toEqual([1, 11])
  })

  it('waits for a transaction that a dead attempt has left open before it says what became of it', async () => {
    await using executor = await withShelf()
    const work = await executor.dispatch(addOne())
    const left = new pg.Client({ connectionString: executor.database.url })
    await left.connect()
    await left.query('begin')
    await left.query('select pg_advisory_xact_lock(hashtextextended($1::text, 0))', [
      `deed:${actionIdOf(work.task_id)}`,
    ])
    await left.query('update public.shelf set n = n + 1 where id = 1')
    const attempting = executor.attempt(work)
    await left.query('commit')
    await left.end()
    expect(await attempting).toMatchObject({ outcome: 'done', effect: 'none', evidence: { already_so: true } })
    expect((await rows(executor))[0]).toEqual([1, 11])
  })

  it.each([
    ['a second statement', 'update public.shelf set n = 11 where id = 1; drop table public.shelf'],
    ['a commit', 'commit'],
    ['COPY', `copy public.shelf to program 'cat'`],
    ['a DO block', 'do $$ begin end $$'],
    ['an extension', 'create extension dblink'],
    ['a function', `create or replace function f() returns int language sql as 'select 1'`],
    ['a setting of the server', `alter system set fsync = off`],
    ['reading a file', `update public.shelf set n = length(pg_read_file('/etc/passwd'))`],
    ['no statement', 'hello'],
  ])('refuses %s', async (_, statement) => {
    await using executor = await withShelf()
    expect(await executor.run(execute(statement, []))).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'invalid_request' },
    })
    expect(await rows(executor)).toEqual([
      [1, 10],
      [2, 20],
    ])
  })

  it('refuses a proof that changes something, and none at all', async () => {
    await using executor = await withShelf()
    const verify = { query: 'with gone as (delete from public.shelf returning *) select count(*) from gone', equals: 2 }
    expect(await executor.run(addOne({ verify }))).toMatchObject({ effect: 'none', error: { code: 'not_read_only' } })
    expect(await executor.run(addOne({ verify: { query: 'select 1' } }))).toMatchObject({
      effect: 'none',
      error: { code: 'invalid_request' },
    })
    expect((await rows(executor)).length).toBe(2)
  })

  it('ends what takes too long, with nothing done', async () => {
    await using executor = await withShelf()
    const action = execute('update public.shelf set n = 11 from pg_sleep(100) where id = 1', [])
    expect(await executor.run({ ...action, timeout_ms: 300 })).toMatchObject({
      effect: 'none',
      error: { code: 'limit_exceeded' },
    })
  })
})
