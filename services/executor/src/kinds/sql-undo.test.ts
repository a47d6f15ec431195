import { randomUUID } from 'node:crypto'
import { inspectAction as contract, type Inspection } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { inspectAction } from '../handlers/inspect-action.ts'
import { type TestExecutor, testExecutor } from '../test-executor.ts'

// What a statement does beside what it says is found in the catalogue, before anybody is asked.

async function withTables(...statements: string[]): Promise<TestExecutor> {
  const executor = await testExecutor('targets: { shop: { type: sql, url_env: TEST_DATABASE_URL } }')
  for (const [index, statement] of statements.entries()) await executor.database.query(`make-${index}`, statement, [])
  return executor
}

const CUSTOMERS = [
  'create table public.cust (id int primary key, name text)',
  'create table public.ord (id int primary key, cust int references public.cust on delete cascade)',
  'create table public.line (ord int references public.ord on delete cascade, n int)',
  `insert into public.cust values (1, 'a'), (2, 'b')`,
  'insert into public.ord select n, 1 from generate_series(1, 50) as n',
  'insert into public.line select 1, n from generate_series(1, 7) as n',
]

const deletion = (id: number, more: object = {}) => ({
  kind: 'sql.execute',
  input: {
    target: 'shop',
    statement: 'delete from public.cust where id = $1',
    params: [id],
    verify: { query: 'select count(*) from public.cust where id = $1', params: [id], equals: 0 },
    undo: {
      statement: 'insert into public.cust values ($1, $2)',
      params: [id, id === 1 ? 'a' : 'b'],
      verify: { query: 'select count(*) from public.cust where id = $1', params: [id], equals: 1 },
    },
    ...more,
  } as JsonObject,
})

async function inspect({ world }: TestExecutor, action: { kind: string; input: JsonObject }): Promise<Inspection> {
  const given = contract.input.parse({ execution_id: randomUUID(), actions: [action] })
  const context = { deadline: performance.now() + 60_000 } as Parameters<ReturnType<typeof inspectAction>>[1]
  const { inspections } = contract.output.parse(await inspectAction({ world })(given, context))
  const [found] = inspections
  if (found && 'inspection' in found) return found.inspection
  throw found ? DeedError.from(found.error) : new Error('there is no inspection')
}

/** An action that has nothing to prove: it is only inspected. */
const statement = (text: string, undo?: string) => ({
  kind: 'sql.execute',
  input: {
    target: 'shop',
    statement: text,
    verify: { query: 'select 1', equals: 2 },
    ...(undo === undefined ? {} : { undo: { statement: undo, verify: { query: 'select 1', equals: 1 } } }),
  } as JsonObject,
})

describe('what an undo would not bring back', () => {
  it('is the rows that a foreign key deletes, counted down the whole chain', async () => {
    await using executor = await withTables(...CUSTOMERS)
    const found = await inspect(executor, deletion(1))
    expect(found).toMatchObject({ effect: 'delete', reversibility: 'irreversible' })
    expect(found.summary).toContain(
      'it deletes 50 rows of ord (foreign key ord_cust_fkey) and deletes 7 rows of line (foreign key line_ord_fkey), which the undo does not bring back',
    )
  })

  it('is nothing where no row refers to those that are deleted', async () => {
    await using executor = await withTables(...CUSTOMERS)
    expect(await inspect(executor, deletion(2))).toMatchObject({
      reversibility: 'compensable',
      summary: 'run on shop: delete from public.cust where id = $1',
    })
  })

  it('leaves no undo that claims success with the children lost', async () => {
    await using executor = await withTables(...CUSTOMERS)
    const work = await executor.dispatch(deletion(1))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'not_undoable' } })
  })

  it.each([
    [
      'rows that a foreign key sets to null',
      [
        'create table public.note (cust int references public.cust on delete set null)',
        'insert into public.note values (2), (2)',
      ],
      deletion(2),
      'sets cust to null in 2 rows of note',
    ],
    [
      'rows that a foreign key gives their default',
      [
        'create table public.note (cust int default 1 references public.cust on delete set default)',
        'insert into public.note values (2)',
      ],
      deletion(2),
      'sets cust to its default in 1 row of note',
    ],
    [
      'rows that follow a changed key',
      [
        'create table public.note (cust int references public.cust on update cascade)',
        'insert into public.note values (2)',
      ],
      statement('update public.cust set id = 3 where id = 2', 'update public.cust set id = 2 where id = 3'),
      'changes cust of 1 row of note',
    ],
    [
      'a trigger',
      [
        `create function public.log() returns trigger language plpgsql as 'begin return null; end'`,
        'create trigger audit after update of name on public.cust for each row execute function public.log()',
      ],
      statement(`update public.cust set name = 'c' where id = 2`, `update public.cust set name = 'b' where id = 2`),
      'runs the trigger audit of cust',
    ],
    [
      'a rule',
      ['create rule also as on delete to public.cust do also delete from public.ord'],
      deletion(2),
      'runs the rule also of cust',
    ],
    [
      'a sequence that goes on',
      ['create table public.item (id serial primary key, n int)'],
      statement('insert into public.item (n) values (1)', 'delete from public.item where n = 1'),
      'advances the sequence of item.id',
    ],
    [
      'a number that the undo gives anew',
      [
        'create table public.item (id int generated always as identity, n int)',
        'insert into public.item (n) values (1)',
      ],
      statement('delete from public.item where n = 1', 'insert into public.item (n) values (1)'),
      'the undo inserts them with another one',
    ],
    [
      'what a function does that is declared VOLATILE',
      [`create function public.moves() returns int language sql as 'select 1'`],
      statement(
        'update public.cust set id = public.moves() where id = 2',
        'update public.cust set id = 2 where id = 1',
      ),
      'calls public.moves, which may change more',
    ],
    [
      'the rows of a table that is dropped',
      [],
      statement('drop table public.line', 'create table public.line (ord int, n int)'),
      'drops 7 rows of line, with its indexes, rights and comments',
    ],
    [
      'the values of a column that is dropped',
      [],
      statement('alter table public.line drop column n', 'alter table public.line add column n int'),
      'drops the column n of 7 rows of line',
    ],
    [
      'rows of other tables that TRUNCATE takes along',
      [],
      statement('truncate public.ord cascade', 'insert into public.ord values (1, 1)'),
      'removes all 50 rows of ord and deletes 7 rows of line',
    ],
    [
      'what is behind a view',
      ['create view public.shown as select id, name from public.cust'],
      statement('delete from public.shown where id = 2', `insert into public.shown values (2, 'b')`),
      'changes what is behind the view shown',
    ],
  ])('is %s', async (_, more, action, said) => {
    await using executor = await withTables(...CUSTOMERS, ...more)
    const { reversibility, summary } = await inspect(executor, action)
    expect(reversibility).toBe('irreversible')
    expect(summary).toContain(said)
  })

  it.each([
    [
      'an INSERT that says every value',
      'insert into public.cust values (3, $$c$$)',
      'delete from public.cust where id = 3',
    ],
    [
      'an UPDATE of another column than a trigger is for',
      'update public.cust set id = 3 where id = 2',
      'update public.cust set id = 2 where id = 3',
    ],
    ['an index', 'create index cust_name on public.cust (name)', 'drop index public.cust_name'],
    ['a table that is made', 'create table public.made (id int)', 'drop table public.made'],
    [
      'an UPDATE from another table',
      'update public.cust c set name = $$x$$ from public.ord o where o.id = c.id + 100',
      'update public.cust set name = name',
    ],
  ])('is nothing of %s', async (_, text, undo) => {
    await using executor = await withTables(
      ...CUSTOMERS,
      `create function public.log() returns trigger language plpgsql as 'begin return null; end'`,
      'create trigger audit after update of name on public.cust for each row execute function public.log()',
    )
    expect(await inspect(executor, statement(text, undo))).toMatchObject({ reversibility: 'compensable' })
  })
})

describe('an undo', () => {
  const two = (undoing: string, params: (string | number)[]) =>
    deletion(2, {
      undo: {
        statement: undoing,
        params,
        verify: { query: 'select count(*) from public.cust where id = 2', equals: 1 },
      },
    })

  it('is not committed where a row comes back with another value than it had', async () => {
    await using executor = await withTables(...CUSTOMERS)
    const work = await executor.dispatch(two('insert into public.cust values (2, $1)', ['other']))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed', message: expect.stringContaining('not as they were before') },
    })
    expect(await executor.database.query('all', 'select id from public.cust', [])).toEqual([{ id: 1 }])
  })

  it('is verified where all that the rows held is back', async () => {
    await using executor = await withTables(...CUSTOMERS)
    const work = await executor.dispatch(two('insert into public.cust values (2, $1)', ['b']))
    await executor.attempt(work)
    expect(await executor.undo(work)).toMatchObject({
      outcome: 'done',
      evidence: { outcome: 'verified', facts: { rows_as_before: true } },
    })
  })

  it('is not committed where it changes more rows than the action has', async () => {
    await using executor = await withTables(
      'create table public.item (id int primary key)',
      'insert into public.item values (1), (2)',
    )
    const work = await executor.dispatch({
      kind: 'sql.execute',
      input: {
        target: 'shop',
        statement: 'insert into public.item values (7)',
        verify: { query: 'select count(*) from public.item where id = 7', equals: 1 },
        undo: {
          statement: 'delete from public.item',
          verify: { query: 'select count(*) from public.item where id = 7', equals: 0 },
        },
      },
    })
    await executor.attempt(work)
    expect(await executor.undo(work)).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('the undo changes 3 rows where the action has changed 1') },
    })
    expect(await executor.database.query('all', 'select count(*)::int as n from public.item', [])).toEqual([{ n: 3 }])
  })
})

describe('what can never run', () => {
  it.each([
    ['CREATE INDEX CONCURRENTLY', 'create index concurrently ix on public.cust (name)', 'leave CONCURRENTLY out'],
    ['DROP INDEX CONCURRENTLY', 'drop index concurrently public.cust_pkey', 'leave CONCURRENTLY out'],
    ['VACUUM', 'vacuum public.cust', 'cannot stand in a transaction'],
    ['ALTER SYSTEM', 'alter system set fsync = off', 'cannot stand in a transaction'],
    ['CREATE DATABASE', 'create database other', 'cannot stand in a transaction'],
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
