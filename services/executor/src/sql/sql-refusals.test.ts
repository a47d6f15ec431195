// What the database would refuse is refused before anybody is asked, and what it takes goes there whole.
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'
import { CUSTOMERS, inspect, statement, withTables } from '../../test/test-shop.ts'

const GONE = { query: `select to_regclass('public.gone') is null`, equals: true }

describe('what can never run', () => {
  it.each([
    ['CREATE INDEX CONCURRENTLY', 'create index concurrently ix on public.cust (name)', 'leave CONCURRENTLY out'],
    ['DROP INDEX CONCURRENTLY', 'drop index concurrently public.cust_pkey', 'leave CONCURRENTLY out'],
    ['VACUUM', 'vacuum public.cust', 'cannot run in a transaction'],
    ['ALTER SYSTEM', 'alter system set fsync = off', 'cannot run in a transaction'],
    ['CREATE DATABASE', 'create database other', 'cannot run in a transaction'],
    ['REINDEX CONCURRENTLY', 'reindex table concurrently public.cust', 'REINDEX is not allowed'],
    ['BEGIN', 'begin', 'leave BEGIN, COMMIT and ROLLBACK out'],
    [
      'CREATE FUNCTION behind a comment',
      `create/**/function f() returns int language sql as 'select 1'`,
      'CREATE FUNCTION is not allowed',
    ],
    ['COPY TO PROGRAM', `copy public.cust to program 'cat'`, 'COPY is not allowed'],
    ['a DO block inside of a comment', 'do/**/$$ begin end $$', 'DO is not allowed'],
    ['a table that is not there', 'update public.gone set a = 1', 'relation "public.gone" does not exist'],
    ['a column that is not there', 'update public.cust set gone = 1', 'column "gone"'],
    ['a value of another type', `update public.cust set id = 'x'`, 'invalid input syntax for type integer'],
    ['a table that is there already', 'create table public.cust (id int)', 'cust exists already'],
    ['a table that is not there to be altered', 'alter table public.gone add a int', 'there is no public.gone'],
    [
      'a column that is not there to be dropped',
      'alter table public.cust drop column gone',
      'cust has no column gone; it has id, name',
    ],
    ['a table that is not there to be dropped', 'drop table public.gone', 'there is no public.gone'],
    ['a value that is missing', 'update public.cust set name = $1', 'the statement uses $1, and params has 0 values'],
    ['SQL that nobody understands', 'updat public.cust', 'syntax error'],
  ])('is refused before anybody is asked: %s', async (_, text, message) => {
    await using executor = await withTables(...CUSTOMERS)
    await expect(inspect(executor, statement(text))).rejects.toMatchObject({
      code: 'invalid_request',
      retryable: false,
      path: '$.input.statement',
      message: expect.stringContaining(message),
    })
  })

  it('is what the role of the target has no right to', async () => {
    await using executor = await withTables(
      ...CUSTOMERS,
      `do $$ begin if not exists (select from pg_roles where rolname = 'deed_reader') then create role deed_reader; end if; end $$`,
      'grant select on public.cust to deed_reader',
    )
    const { url } = executor.database
    const options = new URL(url)
    options.searchParams.set('options', '-c role=deed_reader')
    await using limited = await testExecutor('targets: { shop: { type: sql, url_env: LIMITED_URL } }', {
      LIMITED_URL: options.href,
    })
    for (const text of [
      `update public.cust set name = 'x'`,
      'alter table public.cust add column a int',
      'truncate public.cust',
    ])
      await expect(inspect(limited, statement(text))).rejects.toMatchObject({ code: 'effect_failed', retryable: false })
  })

  it('is nothing that is so already', async () => {
    await using executor = await withTables()
    const input = { target: 'shop', statement: 'drop table public.gone', verify: GONE }
    expect(await inspect(executor, { kind: 'sql.execute', input })).toMatchObject({ already_so: true })
    expect(await executor.run({ kind: 'sql.execute', input })).toMatchObject({ outcome: 'done', effect: 'none' })
  })

  it('is nothing that an earlier step of the plan makes', async () => {
    await using executor = await withTables()
    const table = statement('create table public.made (id int)', 'drop table public.made')
    const index = statement('create index made_id on public.made (id)', 'drop index public.made_id')
    const input = {
      target: 'shop',
      statement: 'insert into public.made values (1)',
      verify: { query: 'select count(*) from public.made', equals: 1 },
    }
    await expect(inspect(executor, index)).rejects.toMatchObject({
      message: expect.stringContaining('there is no public.made'),
    })
    expect(await inspect(executor, table, index)).toMatchObject({ already_so: false })
    expect(await inspect(executor, table, { kind: 'sql.execute', input })).toMatchObject({
      reversibility: 'irreversible',
      summary: expect.stringContaining('changes what an earlier step of the plan makes'),
    })
  })

  it('is an undo whose statement the database would refuse', async () => {
    await using executor = await withTables(...CUSTOMERS)
    await expect(
      inspect(executor, statement(`update public.cust set name = 'x' where id = 2`, 'update public.cust set gone = 1')),
    ).rejects.toMatchObject({ code: 'invalid_request', path: '$.input.undo.statement' })
  })
})

describe('a number that no JSON number holds', () => {
  const big = '9007199254740993'
  const removal = (id: string | number, equals: string | number = 0) => ({
    kind: 'sql.execute',
    input: {
      target: 'shop',
      statement: 'delete from public.assets where id = $1',
      params: [id],
      verify: { query: 'select count(*) from public.assets where id = $1', params: [id], equals },
    } as JsonObject,
  })
  const withAssets = () =>
    withTables(
      'create table public.assets (id bigint primary key, name text)',
      `insert into public.assets values (1, 'one'), (9007199254740992, 'other'), (9007199254740993, 'big')`,
    )

  it('hits the row that it names, given as a string', async () => {
    await using executor = await withAssets()
    expect(await executor.run(removal(big))).toMatchObject({ outcome: 'done' })
    expect(await executor.database.query('left', 'select name from public.assets order by id', [])).toEqual([
      { name: 'one' },
      { name: 'other' },
    ])
  })

  it('is refused as a number, which may have been rounded already', async () => {
    await using executor = await withAssets()
    expect(await executor.run(removal(Number(big)))).toMatchObject({
      effect: 'none',
      error: { path: '$.input.params[0]', message: expect.stringContaining('write it as a string') },
    })
  })

  it.each([
    ['max(id)', big, true],
    ['max(id)', '9007199254740992', false],
    ['count(*)', 3, true],
    ['count(*)', '3', true],
    ['1.10::numeric', 1.1, true],
    ['1.10::numeric', '1.1', true],
    ['1.10::numeric', '1.11', false],
    [`'5'::text`, 5, false],
    [`'NaN'::float8`, 'NaN', true],
    ['true', true, true],
  ])('is compared exactly: %s with %s', async (expression, equals, holds) => {
    await using executor = await withAssets()
    const query = `select ${expression} from public.assets`
    const input = { target: 'shop', statement: 'delete from public.assets where id = 0', verify: { query, equals } }
    const { outcome } = await executor.run({ kind: 'sql.execute', input: input as JsonObject })
    expect(outcome).toBe(holds ? 'done' : 'failed')
  })
})
