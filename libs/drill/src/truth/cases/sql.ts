/** SQL: statements that claim, cascade, round or fire triggers, and undoes that bring half back. */
import type { Case } from '../case.ts'
import { COUNT, caseOf, one, ROUNDED, type Statement, trigger, undoBy } from '../tables.ts'

const LIES: readonly Statement[] = [
  {
    says: 'an update finds no row and says UPDATE 0',
    statement: `update $t.assets set name = 'x' where id = 77`,
    verify: one(`select count(*) from $t.assets where name = 'x'`, 1),
  },
  {
    says: 'a delete finds no row and its proof counts another',
    statement: 'delete from $t.assets where id = 77',
    verify: one(COUNT, 0, [1]),
  },
  {
    says: 'a big id in params is rounded and hits another row',
    statement: 'delete from $t.assets where id = $1',
    params: [ROUNDED],
    verify: one(COUNT, 0, [ROUNDED]),
    truth:
      'not exists (select from $t.assets where id = 9007199254740993) and exists (select from $t.assets where id = 9007199254740992)',
  },
  {
    says: 'a proof compares with a number that is rounded',
    statement: 'delete from $t.assets where id = 9007199254740992',
    verify: one('select max(id) from $t.assets', ROUNDED),
    truth: 'false',
  },
  {
    says: 'a trigger skips the insert',
    given: trigger('return null;'),
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
  },
  {
    says: 'a trigger writes another name than was given',
    given: trigger(`new.name = 'hidden'; return new;`, 'before insert'),
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one('select name from $t.assets where id = 5', 'x'),
  },
  {
    says: 'a trigger turns the row back after the update',
    given: trigger(
      'update $t.assets set name = old.name where id = new.id and name <> old.name; return null;',
      'after update',
    ),
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
  },
  {
    says: 'a deferred trigger deletes the row at the commit',
    given: [
      `create function $t.late() returns trigger language plpgsql as $f$ begin delete from $t.assets where id = new.id; return null; end $f$`,
      'create constraint trigger late after insert on $t.assets deferrable initially deferred for each row execute function $t.late()',
    ],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
  },
  {
    says: 'a deferred constraint fails at the commit',
    given: ['create table $t.late (id int references $t.cust deferrable initially deferred)'],
    statement: 'insert into $t.late values (99)',
    verify: one('select count(*) from $t.late', 1),
  },
  {
    says: 'a rule turns the insert into nothing',
    given: ['create rule nothing as on insert to $t.assets do instead nothing'],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
  },
  {
    says: 'a rule writes into another table',
    given: [
      'create table $t.other (id bigint)',
      'create rule elsewhere as on insert to $t.assets do instead insert into $t.other values (new.id)',
    ],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
  },
  {
    says: 'row security hides the row from the update',
    given: ['alter table $t.assets enable row level security', 'alter table $t.assets force row level security'],
    statement: `update $t.assets set name = 'x' where false`,
    verify: one(`select count(*) from $t.assets where name = 'x'`, 1),
  },
  {
    says: 'on conflict do nothing does nothing',
    statement: `insert into $t.assets (id, name) values (1, 'x') on conflict do nothing`,
    verify: one('select name from $t.assets where id = 1', 'x'),
  },
  {
    says: 'an update half applies: one of two rows',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one(`select count(*) from $t.assets where name = 'x'`, 2),
  },
  {
    says: 'a price is rounded to its scale',
    statement: 'update $t.assets set price = 1.005 where id = 1',
    verify: one('select price from $t.assets where id = 1', '1.005'),
  },
  {
    says: 'a text is cut by its type',
    given: ['create table $t.short (code varchar(3))'],
    statement: `insert into $t.short values ('abcdef'::varchar(3))`,
    verify: one('select code from $t.short', 'abcdef'),
  },
  {
    says: 'a proof that reads a constant',
    statement: `delete from $t.assets where id = 77`,
    verify: one('select 1', 1),
  },
  {
    says: 'a proof that reads a constant, and a trigger that keeps the row',
    given: trigger('return null;'),
    statement: `delete from $t.assets where id = 1`,
    verify: one('select true', true),
    truth: 'not exists (select from $t.assets where id = 1)',
  },
  {
    says: 'a proof that reads the time',
    given: trigger('return null;'),
    statement: `delete from $t.assets where id = 1`,
    verify: one('select now() is not null', true),
    truth: 'not exists (select from $t.assets where id = 1)',
  },
  {
    says: 'a proof by a function that is called STABLE and reads nothing',
    given: [`create function $t.liar() returns int stable language sql as 'select 1'`, ...trigger('return null;')],
    statement: 'delete from $t.assets where id = 1',
    verify: one('select $t.liar()', 1),
    truth: 'not exists (select from $t.assets where id = 1)',
  },
  {
    says: 'a proof that holds before and looks at another column',
    given: trigger('return null;'),
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select price from $t.assets where id = 1', '1.50'),
    truth: `(select name from $t.assets where id = 1) = 'x'`,
  },
  {
    says: 'a proof that holds before and looks at another row',
    given: trigger('return null;'),
    statement: `update $t.assets set name = 'two' where id = 1`,
    verify: one('select name from $t.assets where id = 2', 'two'),
    truth: `(select name from $t.assets where id = 1) = 'two'`,
  },
  {
    says: 'a proof that holds before and looks at another table',
    given: trigger('return null;'),
    statement: `delete from $t.assets`,
    verify: one('select count(*) from $t.cust', 2),
    truth: 'not exists (select from $t.assets)',
  },
  {
    says: 'a proof that holds before asks for a table, and a column is to be added',
    statement: 'alter table $t.assets add column if not exists name int',
    verify: one(`select to_regclass('$t.assets') is not null`, true),
    truth: `exists (select from information_schema.columns where table_schema = '$t' and table_name = 'assets' and column_name = 'name' and data_type = 'integer')`,
  },
  {
    says: 'a proof that holds before: the row is there already, and is another one',
    statement: `insert into $t.assets (id, name) values (1, 'x')`,
    verify: one(COUNT, 1, [1]),
    truth: `(select name from $t.assets where id = 1) = 'x'`,
  },
  {
    says: 'a proof that sees the row by its own function only',
    given: [`create function $t.liar() returns int language sql as 'select 1'`],
    statement: 'delete from $t.assets where id = 77',
    verify: one('select $t.liar()', 1),
  },
  { says: 'a statement that ends its transaction by itself', statement: 'commit', verify: one('select 1', 1) },
  {
    says: 'two statements in one, of which the proof sees one',
    statement: `update $t.assets set name = 'x' where id = 1; delete from $t.cust`,
    verify: one('select name from $t.assets where id = 1', 'x'),
  },
  {
    says: 'a statement that changes nothing but the session',
    statement: 'set statement_timeout = 0',
    verify: one('select 1', 1),
  },
  { says: 'a statement that only reads', statement: 'select count(*) from $t.assets', verify: one('select 1', 1) },
  {
    says: 'a statement that only explains',
    statement: `explain delete from $t.assets`,
    verify: one('select count(*) from $t.assets', 0),
  },
  {
    says: 'a delete of a parent takes fifty children along, and its undo brings the parent alone',
    statement: 'delete from $t.cust where id = 1',
    verify: one('select count(*) from $t.cust where id = 1', 0),
    undo: undoBy(`insert into $t.cust values (1, 'a')`, one('select count(*) from $t.cust where id = 1', 1)),
    truth: 'true',
  },
  {
    says: 'an undo brings the row back with another name',
    statement: 'delete from $t.assets where id = 1',
    verify: one(COUNT, 0, [1]),
    undo: undoBy(`insert into $t.assets (id, name, price) values (1, 'uno', 1.50)`, one(COUNT, 1, [1])),
    truth: 'true',
  },
  {
    says: 'an undo brings the row back without its price',
    statement: 'delete from $t.assets where id = 2',
    verify: one(COUNT, 0, [2]),
    undo: undoBy(`insert into $t.assets (id, name) values (2, 'two')`, one(COUNT, 1, [2])),
    truth: 'true',
  },
  {
    says: 'an undo brings one of two rows back',
    statement: 'delete from $t.assets where id in (1, 2)',
    verify: one('select count(*) from $t.assets where id in (1, 2)', 0),
    undo: undoBy(`insert into $t.assets (id, name, price) values (1, 'one', 1.50)`, one(COUNT, 1, [1])),
    truth: 'true',
  },
  {
    says: 'an undo of an update of all rows sets them all alike',
    statement: `update $t.assets set name = 'x'`,
    verify: one(`select count(*) from $t.assets where name = 'x'`, 4),
    undo: undoBy(
      `update $t.assets set name = 'one'`,
      one(`select count(*) from $t.assets where name = 'one' and id = 1`, 1),
    ),
    truth: 'true',
  },
  {
    says: 'an undo does nothing, and its proof holds all the time',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy('delete from $t.assets where id = 77', one('select 1', 1)),
    truth: 'true',
  },
  {
    says: 'an undo finds no row',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy(
      `update $t.assets set name = 'one' where id = 77`,
      one(`select count(*) from $t.assets where name = 'one'`, 1),
    ),
    truth: 'true',
  },
  {
    says: 'an undo takes more away than was made',
    statement: `insert into $t.assets (id, name, price) values (5, 'two', 0)`,
    verify: one(COUNT, 1, [5]),
    undo: undoBy(`delete from $t.assets where name = 'two'`, one(COUNT, 0, [5])),
    truth: 'true',
  },
  {
    says: 'an undo of an insert leaves the counter of a table that a trigger keeps',
    given: [
      'create table $t.total (n int)',
      'insert into $t.total values (0)',
      ...trigger('update $t.total set n = n + 1; return null;', 'after insert'),
    ],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
    undo: undoBy('delete from $t.assets where id = 5', one(COUNT, 0, [5])),
    truth: 'true',
  },
  {
    says: 'an undo of a truncate brings one row back',
    statement: 'truncate $t.assets',
    verify: one('select count(*) from $t.assets', 0),
    undo: undoBy(`insert into $t.assets (id, name, price) values (1, 'one', 1.50)`, one(COUNT, 1, [1])),
    truth: 'true',
  },
  {
    says: 'an undo of a dropped table makes it without its rows',
    given: ['create table $t.spare (id int)', 'insert into $t.spare values (1)'],
    statement: 'drop table $t.spare',
    verify: one(`select to_regclass('$t.spare') is null`, true),
    undo: undoBy('create table $t.spare (id int)', one(`select to_regclass('$t.spare') is null`, false)),
    truth: 'true',
  },
  {
    says: 'an undo of a dropped column makes it empty',
    statement: 'alter table $t.assets drop column price',
    verify: one(
      `select count(*) from information_schema.columns where table_schema = '$t' and column_name = 'price'`,
      0,
    ),
    undo: undoBy(
      'alter table $t.assets add column price numeric(10,2)',
      one(`select count(*) from information_schema.columns where table_schema = '$t' and column_name = 'price'`, 1),
    ),
    truth: 'true',
  },
  {
    says: 'an undo of a wider type cuts what others have written since',
    statement: 'alter table $t.cust alter column name type varchar(50)',
    verify: one(
      `select data_type from information_schema.columns where table_schema = '$t' and table_name = 'cust' and column_name = 'name'`,
      'character varying',
    ),
    undo: undoBy(
      'alter table $t.cust alter column name type varchar(49)',
      one(
        `select data_type from information_schema.columns where table_schema = '$t' and table_name = 'cust' and column_name = 'name'`,
        'character varying',
      ),
    ),
    truth: 'true',
  },
  {
    says: 'an undo meets a row that somebody has changed since',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy(
      `update $t.assets set name = 'one' where id = 1 and name = 'x'`,
      one('select name from $t.assets where id = 1', 'one'),
    ),
    since: `update $t.assets set name = 'mine' where id = 1`,
    truth: 'true',
  },
  {
    says: 'an undo meets a row that somebody has deleted since',
    statement: `update $t.assets set name = 'x' where id = 1`,
    verify: one('select name from $t.assets where id = 1', 'x'),
    undo: undoBy(
      `update $t.assets set name = 'one' where id = 1`,
      one('select name from $t.assets where id = 1', 'one'),
    ),
    since: 'delete from $t.assets where id = 1',
    truth: 'true',
  },
  {
    says: 'an undo fires a trigger that keeps a copy',
    given: [
      'create table $t.copies (id bigint)',
      ...trigger('insert into $t.copies values (old.id); return old;', 'before delete'),
    ],
    statement: `insert into $t.assets (id, name) values (5, 'x')`,
    verify: one(COUNT, 1, [5]),
    undo: undoBy('delete from $t.assets where id = 5', one(COUNT, 0, [5])),
    truth: 'true',
  },
]

export const sql = { lies: LIES.map(caseOf), ordinary: [] as Case[] }
