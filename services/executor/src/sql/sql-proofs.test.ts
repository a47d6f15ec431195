// A proof that holds before the statement proves nothing of it, unless it sees what the statement changes.
import type { Json, JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { inspect, withTables } from '../../test/test-shop.ts'

const ITEMS = [
  'create table public.item (id bigint primary key, name text, n int, price numeric(10,2), at timestamptz default now())',
  `insert into public.item (id, name, n, price) values (1, 'one', 10, 1.5), (9007199254740993, 'big', 0, 0)`,
  'create table public.log (line text)',
  `insert into public.log values ('first')`,
  'create table public.kept as select 1 as id',
  'create function public.keep() returns trigger language plpgsql as $$ begin return null; end $$',
  'create trigger keep before delete on public.kept for each row execute function public.keep()',
]

const execute = (statement: string, query: string, equals: Json, more: object = {}) => {
  const { params = [], ...rest } = more as { params?: Json[] }
  const input = { target: 'shop', statement, params, verify: { query, equals } } as JsonObject
  return { kind: 'sql.execute', input, ...rest }
}
const byId = (id: string) => `select count(*) from public.item where id = ${id}`
const all = 'select id, name, n from public.item order by id'

describe('a proof', () => {
  it.each([
    ['a constant', 'select 1', 1],
    ['a function of nothing', 'select length($$x$$)', 1],
    ['the time', 'select now() is not null', true],
  ])('that reads nothing but %s is refused before anybody is asked', async (_, query, equals) => {
    await using executor = await withTables(...ITEMS)
    const action = execute('delete from public.item where id = 1', query, equals)
    await expect(inspect(executor, action)).rejects.toMatchObject({
      code: 'invalid_request',
      path: '$.input.verify.query',
      message: expect.stringContaining('reads nothing of the database'),
    })
    expect(await executor.run(action)).toMatchObject({ effect: 'none', error: { code: 'invalid_request' } })
  })

  it('of an undo that reads nothing is refused as well', async () => {
    await using executor = await withTables(...ITEMS)
    const action = execute('delete from public.item where id = 1', 'select count(*) from public.item where id = 1', 0)
    const undo = { statement: `insert into public.item (id) values (1)`, verify: { query: 'select 1', equals: 1 } }
    const input = { ...action.input, undo }
    await expect(inspect(executor, { ...action, input })).rejects.toMatchObject({ path: '$.input.undo.verify.query' })
  })

  it.each([
    ['an update', `update public.item set name = 'x' where id = 1`, 'select count(*) from public.item where id = 1', 1],
    ['a delete', 'delete from public.item where id = 1', 'select count(*) from public.item where id = 7', 0],
    ['a column', 'alter table public.item add column more int', `select to_regclass('public.item') is not null`, true],
    ['a truncate', 'truncate public.log', 'select count(*) from public.item', 2],
    ['rows that a trigger keeps', 'delete from public.kept', 'select count(*) from public.item', 2],
    ['rows of a query', 'insert into public.log select name from public.item', 'select count(*) from public.item', 2],
  ])(
    'that holds before and does not see the change of %s is not enough to commit it',
    async (_, text, query, equals) => {
      await using executor = await withTables(...ITEMS)
      const action = execute(text, query, equals)
      expect(await inspect(executor, action)).toMatchObject({ already_so: false })
      for (const already_so of [undefined, 'run'] as const)
        expect(await executor.run({ ...action, ...(already_so ? { already_so } : {}) })).toMatchObject({
          effect: 'none',
          error: { code: 'verification_failed', message: expect.stringContaining('the proof held before') },
        })
      expect(await executor.database.query('log', 'select line from public.log', [])).toEqual([{ line: 'first' }])
    },
  )

  it('that holds before proves what it is seen to change', async () => {
    await using executor = await withTables(...ITEMS)
    const verify = { query: 'select line from public.log', rows_min: 1 }
    const input = { target: 'shop', statement: `insert into public.log values ('next')`, verify }
    expect(await executor.run({ kind: 'sql.execute', input })).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { outcome: 'verified' },
    })
  })

  it('that another row makes hold does not pass for the row that was to be inserted', async () => {
    await using executor = await withTables(...ITEMS)
    const action = execute(
      `insert into public.item (id, name) values (1, 'x')`,
      'select count(*) from public.item where id = 1',
      1,
    )
    expect(await executor.run(action)).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'effect_failed' },
    })
    expect(await executor.database.query('all', all, [])).toMatchObject([{ name: 'one' }, { name: 'big' }])
  })
})

describe('nothing is left to do', () => {
  it.each([
    ['do nothing', 'uno', true],
    [`do update set name = 'uno'`, 'uno', false],
  ])('where ON CONFLICT (id) %s leaves the row as it is', async (conflict, name, already_so) => {
    await using executor = await withTables(...ITEMS)
    const text = `insert into public.item (id, name) values (1, '${name}') on conflict (id) ${conflict}`
    expect(await inspect(executor, execute(text, byId('1'), 1))).toMatchObject({ already_so })
  })

  it.each([
    [
      'the row is there with its values',
      `insert into public.item (id, name, price, at) values (1, 'one', 1.50, now())`,
      [],
      byId('1'),
      1,
    ],
    [
      'the row is there, given as parameters',
      'insert into public.item (id, name) values ($1, $2)',
      ['9007199254740993', 'big'],
      byId('9007199254740993'),
      1,
    ],
    [
      'the values are as they are to be',
      `update public.item as i set name = 'one', price = 1.50 where id = 1`,
      [],
      `select name from public.item where id = 1`,
      'one',
    ],
    [
      'the value is as the proof says',
      'update public.item set n = n + 1 where id = 1',
      [],
      'select n from public.item where id = 1',
      10,
    ],
    ['there is no such row', 'delete from public.item where id = 7', [], byId('7'), 0],
    [
      'the column is there',
      'alter table public.item add column n int',
      [],
      `select count(*) from information_schema.columns where table_name = 'item' and column_name = 'n'`,
      1,
    ],
    [
      'the table is there',
      'create table public.log (line text)',
      [],
      `select to_regclass('public.log') is not null`,
      true,
    ],
    ['the table is empty', 'truncate public.empty', [], 'select count(*) from public.empty', 0],
  ])('where %s', async (_, text, params, query, equals) => {
    await using executor = await withTables(...ITEMS, 'create table public.empty (id int)')
    const action = execute(text, query, equals, { params })
    expect(await inspect(executor, action)).toMatchObject({ already_so: true })
    expect(await executor.run(action)).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
  })

  it.each([
    [
      'another value',
      `update public.item set name = 'one', price = 3 where id = 1`,
      `select name from public.item where id = 1`,
      'one',
    ],
    [
      'a value that the proof does not read',
      'update public.item set n = n + 1 where id = 1',
      `select name from public.item where id = 1`,
      'one',
    ],
    ['a row', `insert into public.item (id, name) values (1, 'one'), (2, 'two')`, byId('1'), 1],
  ])('only where the statement would not change %s', async (_, text, query, equals) => {
    await using executor = await withTables(...ITEMS)
    expect(await inspect(executor, execute(text, query, equals))).toMatchObject({ already_so: false })
  })

  it('where the caller says that it is enough that the proof holds', async () => {
    await using executor = await withTables(...ITEMS)
    const action = execute(`update public.item set name = 'x' where id = 1`, byId('1'), 1, { already_so: 'skip' })
    expect(await executor.run(action)).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
  })
})
