// What a statement does besides what it says is found in the catalogue, before anybody is asked.
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { CUSTOMERS, inspect, statement, withTables } from '../../test/test-shop.ts'

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
      'a number that the undo assigns again',
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
      // Of another column than the trigger is for.
      'update public.cust set id = id',
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

describe('a number that a sequence has given', () => {
  const ITEMS = ['create sequence public.numbers', 'create table public.item (id serial primary key, n int)']

  it.each([
    ['by default', 'insert into public.item (n) values (1)', 'advances the sequence of item.id'],
    [
      'where the statement asks for it',
      `insert into public.item values (nextval('public.numbers'), 1)`,
      'advances a sequence (nextval)',
    ],
  ])('%s is named in the plan, and leaves the insert one that can be undone', async (_, text, said) => {
    await using executor = await withTables(...ITEMS)
    const action = {
      kind: 'sql.execute',
      input: {
        target: 'shop',
        statement: text,
        verify: { query: 'select count(*) from public.item where n = 1', equals: 1 },
        undo: {
          statement: 'delete from public.item where n = 1',
          verify: { query: 'select count(*) from public.item where n = 1', equals: 0 },
        },
      } as JsonObject,
    }
    const { reversibility, summary } = await inspect(executor, action)
    expect(reversibility).toBe('compensable')
    expect(summary).toBe(`run on shop: ${text}; it ${said}, which the undo does not bring back`)
    const work = await executor.dispatch(action)
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
  })

  it('changes nothing about what else is lost', async () => {
    await using executor = await withTables(
      ...ITEMS,
      `create function public.log() returns trigger language plpgsql as 'begin return null; end'`,
      'create trigger audit after insert on public.item for each row execute function public.log()',
    )
    const action = statement('insert into public.item (n) values (1)', 'delete from public.item where n = 1')
    const { reversibility, summary } = await inspect(executor, action)
    expect(reversibility).toBe('irreversible')
    expect(summary).toContain('runs the trigger audit of item and advances the sequence of item.id')
  })
})

describe('an undo', () => {
  it.each([
    [
      'trigger',
      'create trigger keep before delete on public.item for each row execute function public.keep()',
      'trigger keep of item',
    ],
    [
      'rule',
      'create rule keep as on delete to public.item do also insert into public.copies values (old.id)',
      'rule keep of item',
    ],
  ])('that runs a %s is no whole undo, which the plan says', async (_, beside, named) => {
    await using executor = await withTables(
      'create table public.item (id int primary key)',
      'create table public.copies (id int)',
      'create function public.keep() returns trigger language plpgsql as $$ begin insert into public.copies values (old.id); return old; end $$',
      beside,
    )
    expect(
      await inspect(executor, statement('insert into public.item values (7)', 'delete from public.item where id = 7')),
    ).toMatchObject({
      reversibility: 'irreversible',
      summary: expect.stringContaining(`has its undo run the ${named}, which the undo does not bring back`),
    })
  })

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
