// Questions over rows in words, on a real PostgreSQL: what they become, and what is refused.
import { randomUUID } from 'node:crypto'
import { Action } from '@deed/proto/action'
import type { ExecutionId } from '@deed/proto/ids'
import { registerSecret } from '@deed/telemetry/redact'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { inspectAction } from '../handlers/inspect-action.ts'

const CONFIG = `targets:
  inventory:
    type: sql
    url_env: TEST_DATABASE_URL
    entities:
      assets: { table: shop.assets, label_column: type, name_column: name, singular: asset }
      customers: { table: shop.customers, name_column: name, singular: customer }`

const TABLES = [
  'create schema shop',
  'create table shop.locations (id int primary key, city text, country text)',
  `insert into shop.locations values (1, 'Berlin', 'Germany'), (2, 'Hamburg', 'Germany'), (3, 'Lisbon', 'Portugal')`,
  `create table shop.assets (id bigint primary key, name text, type text, location_id int references shop.locations,
    assigned_to text, active boolean, cpus int, price numeric, purchased_on date, api_key text)`,
  `insert into shop.assets values
    (1, 'ws-1', 'Windows workstation', 1, 'anna', true, 4, 900, '2020-05-01', 'k1'),
    (2, 'ws-2', 'Windows workstation', 1, null, true, 8, 1100, '2024-05-01', 'k2'),
    (3, 'ws-3', 'Linux workstation', 2, 'ben', false, 16, 1500, '2024-06-01', 'k3'),
    (4, 'db-1', 'Server', 3, null, null, 64, 'NaN', '2023-01-01', 'k4'),
    (5, 'db-2', 'Server', null, 'ben', true, null, null, null, 'k5'),
    (6, 'db-3', 'Server', 2, 'anna', false, 64, 9000, current_date, 'k6')`,
  'create table shop.customers (id int primary key, name text)',
  'create table shop.orders (id int primary key, customer_id int references shop.customers)',
  `insert into shop.customers values (1, 'Acme'), (2, 'Bolt'), (3, 'Core')`,
  'insert into shop.orders values (1, 1), (2, 1), (3, 2)',
]

async function withShop(more: readonly string[] = [], config = CONFIG): Promise<TestExecutor> {
  const executor = await testExecutor(config)
  for (const [index, statement] of [...TABLES, ...more].entries())
    await executor.database.query(`make-${index}`, statement, [])
  return executor
}

interface Asked {
  noun?: string
  question?: 'count' | 'list' | 'group'
  per?: string
  limit?: number
}

const find = (executor: TestExecutor, conditions: string | string[] = [], asked: Asked = {}) =>
  executor.run({
    kind: 'entity.find',
    input: { target: 'inventory', noun: 'assets', question: 'count', conditions: [conditions].flat(), ...asked },
  })

describe('a question over rows', () => {
  it('is one SELECT with the values apart, which the result and the evidence show', async () => {
    await using executor = await withShop()
    const { outcome, effect, result, evidence } = await find(executor, 'in Berlin and not assigned')
    expect({ outcome, effect, text: result?.text }).toEqual({
      outcome: 'done',
      effect: 'none',
      text: "1 asset (location.city = 'Berlin' and assigned_to is null)",
    })
    const statement =
      'select count(*) as count from shop.assets t left join shop.locations r1 on r1.id = t.location_id where (r1.city::text = $1::text) and (t.assigned_to is null)'
    expect(result?.data).toMatchObject({ statement, params: ['Berlin'] })
    expect(evidence).toMatchObject({
      outcome: 'verified',
      observed: 'a second connection counted the same 1 by another statement',
      facts: { statement, params: ['Berlin'], count: 1, checked_by: expect.stringContaining('sum(case when') },
    })
  })

  it.each([
    ['', 6, ''],
    ['in Berlin', 2, "location.city = 'Berlin'"],
    ['in BERLIN or hamburg', 4, "location.city in ('Berlin', 'Hamburg')"],
    ['in Berlin, Hamburg and Lisbon', 5, "location.city in ('Berlin', 'Hamburg', 'Lisbon')"],
    ['not in Berlin', 4, "location.city is not 'Berlin'"],
    ['not in Berlin or Hamburg', 2, "location.city not in ('Berlin', 'Hamburg')"],
    ['outside', -1, ''],
    ['that are Windows workstations', 2, "type = 'Windows workstation'"],
    ['workstations', 3, "type in ('Windows workstation', 'Linux workstation')"],
    ['servers in Germany', 1, "type = 'Server' and location.country = 'Germany'"],
    ['whose type is server', 3, "type = 'Server'"],
    ['without a location', 1, 'location_id is null'],
    ['assigned to ben', 2, "assigned_to = 'ben'"],
    ['not assigned to ben', 4, "assigned_to is not 'ben'"],
    ['unassigned', 2, 'assigned_to is null'],
    ['that are assigned', 4, 'assigned_to is not null'],
    ['active', 3, 'active is true'],
    ['that are not active', 3, 'active is not true'],
    ['inactive', 3, 'active is not true'],
    ['with more than 8 cpus', 3, 'cpus > 8'],
    ['with at least 8 cpus', 4, 'cpus >= 8'],
    ['with 8 or more cpus', 4, 'cpus >= 8'],
    ['with no more than 8 cpus', 2, 'cpus <= 8'],
    ['cpus > 8', 3, 'cpus > 8'],
    ['cpus>8', -1, ''],
    ['with between 4 and 16 cpus', 3, 'cpus >= 4 and cpus <= 16'],
    ['price over 1,000', 3, 'price > 1000'],
    ['with 64 cpus', 2, 'cpus = 64'],
    ['older than 30 days', 4, 'purchased_on < now - 30 days'],
    ['purchased before 2024', 2, 'purchased_on < 2024-01-01'],
    ['purchased in 2024', 2, 'purchased_on >= 2024-01-01 and purchased_on < 2025-01-01'],
    ['purchased since 2024-06', 2, 'purchased_on >= 2024-06-01'],
    ['purchased in the last week', 1, 'purchased_on >= now - 1 week'],
    ['purchased more than 1 year ago', 4, 'purchased_on < now - 1 year'],
    ['with name containing WS', 3, "name contains 'WS'"],
    ['name starts with db', 3, "name begins with 'db'"],
    ['name "ws-1"', 1, "name = 'ws-1'"],
    ['"ws-1"', 1, "name = 'ws-1'"],
    ['ws-1', 1, "name = 'ws-1'"],
    ['name "%"', 0, "name = '%'"],
    ['name contains %', 0, "name contains '%'"],
  ])('with the condition %j finds %i', async (condition, count, says) => {
    await using executor = await withShop()
    const { outcome, result, error } = await find(executor, condition)
    if (count === -1) {
      expect(error?.code).toBe('invalid_request')
      return
    }
    expect({ outcome, error: error?.message, text: result?.text }).toEqual({
      outcome: 'done',
      error: undefined,
      text: `${count === 0 ? 'no assets' : count === 1 ? '1 asset' : `${count} assets`}${says === '' ? '' : ` (${says})`}`,
    })
  })

  it('counts a noun that is a label of rows, whole or in part, in the singular and the plural', async () => {
    await using executor = await withShop()
    const textOf = async (noun: string, conditions: string[] = []) =>
      (await find(executor, conditions, { noun })).result?.text
    expect(await textOf('Windows workstations')).toBe("2 Windows workstations (type = 'Windows workstation')")
    expect(await textOf('windows workstation')).toBe("2 windows workstation (type = 'Windows workstation')")
    expect(await textOf('servers', ['in Lisbon'])).toBe("1 servers (type = 'Server' and location.city = 'Lisbon')")
    expect(await textOf('Assets')).toBe('6 assets')
    expect(await textOf('asset')).toBe('6 assets')
  })

  it('names the rows of a list, by their name, with the columns asked about', async () => {
    await using executor = await withShop()
    const { result, evidence } = await find(executor, 'in Germany', { question: 'list' })
    expect(result?.text).toBe("4 assets (location.country = 'Germany'): db-3, ws-1, ws-2, ws-3")
    expect(result?.data).toMatchObject({
      columns: [
        'name',
        'type',
        'country',
        'id',
        'location_id',
        'assigned_to',
        'active',
        'cpus',
        'price',
        'purchased_on',
      ],
      row_count: 4,
    })
    expect(evidence?.observed).toBe(
      'a second connection counted the same 4 by another statement, and read the same 4 rows',
    )
    const { result: cut } = await find(executor, '', { question: 'list', limit: 2 })
    expect(cut).toMatchObject({ text: '6 assets: db-1, db-2 and 4 more', data: { row_count: 6 } })
  })

  it.each([
    ['type', '6 assets by type: 3 Server, 2 Windows workstation, 1 Linux workstation'],
    ['city', '6 assets by location.city: 2 Berlin, 2 Hamburg, 1 Lisbon, 1 -'],
    ['country', '6 assets by location.country: 4 Germany, 1 Portugal, 1 -'],
    ['person assigned', undefined],
    ['api key', undefined],
    ['active', '6 assets by active: 3 true, 2 false, 1 -'],
  ])('counts rows per %s', async (per, text) => {
    await using executor = await withShop()
    const { result, error } = await find(executor, '', { question: 'group', per })
    expect(result?.text).toBe(text)
    if (text === undefined) {
      expect(error?.message).toContain(`"${per}" is no column of assets (columns are id; name: `)
      expect(error?.message).not.toMatch(/api_key|k1/)
    }
  })

  it.each([
    ['without orders', '1 customer (without orders)'],
    ['with an order', '2 customers (with orders)'],
    ['that have no orders', '1 customer (without orders)'],
    ['with more than 1 order', '1 customer (number of orders > 1)'],
    ['with 1 order', '1 customer (number of orders = 1)'],
  ])('asks about rows of a table that refers to them: %s', async (condition, text) => {
    await using executor = await withShop()
    expect((await find(executor, condition, { noun: 'customers' })).result?.text).toBe(text)
  })

  it('shows the statement and its values where the plan is inspected', async () => {
    await using executor = await withShop()
    const input = { target: 'inventory', noun: 'assets', question: 'count', conditions: ['in Berlin'] }
    const inspected = await inspectAction({ world: executor.world })(
      { execution_id: randomUUID() as ExecutionId, actions: [Action.parse({ kind: 'entity.find', input })] },
      { principal: { tenant: 'local' }, deadline: performance.now() + 60_000 } as never,
    )
    const summary =
      'count assets in inventory where location.city = \'Berlin\': select count(*) as count from shop.assets t left join shop.locations r1 on r1.id = t.location_id where (r1.city::text = $1::text) with $1 = "Berlin"'
    expect(inspected).toMatchObject({ inspections: [{ inspection: { effect: 'read', summary } }] })
  })
})

describe('words that are not clear', () => {
  it.each([
    [
      'Windows',
      '"Windows" could be type = \'Windows workstation\' or os = \'Windows 11\'; say which, as in "type Windows"',
    ],
    ['ready', '"ready" could be ready is true or status = \'ready\'; say which, as in "ready ready"'],
    ['in Paris', '"Paris" is neither a column of assets nor a value that was found in one (columns are id; name: '],
    ['in Berln', 'did you mean "Berlin"?'],
    ['with 1234', 'say of which number, as in "more than 5'],
    ['older than 30 days', '"older than 30 days" could be purchased_on < now - 30 days or seen_at < now - 30 days'],
    ['in Berlin or active', '"or" is understood between values of one column'],
    ['not without an owner', 'there are two negations'],
    ['not', 'it ends with a negation'],
    ['drop', '"drop" is neither a column'],
    ['with api key k1', '"api" is neither a column'],
    ['k1', '"k1" is neither a column'],
    ['NaN', '"NaN" is neither a column'],
    ['price > NaN', '"price" is neither a column'],
  ])('are refused, and the error names what they could be: %s', async (condition, message) => {
    await using executor = await withShop([
      `alter table shop.assets add column os text, add column ready boolean, add column status text, add column seen_at timestamptz`,
      `update shop.assets set os = case when id < 3 then 'Windows 11' else 'Debian 12' end, status = 'ready'`,
    ])
    const { outcome, effect, error } = await find(executor, condition)
    expect({ outcome, effect, code: error?.code }).toEqual({
      outcome: 'failed',
      effect: 'none',
      code: 'invalid_request',
    })
    expect(error?.message).toContain(message)
    expect(error?.retryable).toBe(false)
    expect(JSON.stringify(error)).not.toContain('api_key')
  })

  it.each([
    [
      'elephants',
      'nothing in inventory is called "elephants"; it has assets (columns are type: Server, Windows workstation',
    ],
    ["'; drop table shop.assets; --", 'nothing in inventory is called'],
  ])('are refused where they are the noun: %s', async (noun, message) => {
    await using executor = await withShop()
    expect((await find(executor, [], { noun })).error?.message).toContain(message)
  })
})

const HOSTILE = [
  "'; drop table shop.assets; --",
  `"'; drop table shop.assets; --"`,
  '"; drop table shop.assets; --',
  '$1',
  '$$; drop table shop.assets; $$',
  "assigned to \"x' or '1'='1\"",
  'name contains "\\"',
  'name contains "%_"',
  'type (',
  'type containing "(((([["',
  'Windows (workstation',
  'cpus > 9007199254740993',
  'cpus > 99999999999999999999999999999999999999',
  'cpus > 1e400',
  'cpus > NaN',
  'price > 9007199254740993.5',
  'cpus = -0',
  'purchased before 9999-12-31',
  'purchased in 2024-02-30',
  'older than 99999 years',
  'older than 999999999999 days',
  '\u0000',
  'name "\u0000"',
  'pg_sleep(100)',
  '\u202ein Berlin',
  'in Berlin /* */ union select api_key from shop.assets',
  `${'in Berlin or '.repeat(25)}Hamburg`,
  `name contains "${'a'.repeat(1_900)}"`,
  'name __proto__',
  'constructor',
]

it('no word is a part of the statement: each of these is a value or refused, and the table is as before', async () => {
  await using executor = await withShop()
  const rows = () =>
    executor.database.query<{ all: string }>('all', 'select jsonb_agg(a)::text as all from shop.assets a', [])
  const before = await rows()
  for (const word of HOSTILE) {
    for (const asked of [{ conditions: [word] }, { per: word, question: 'group' }, { noun: word }]) {
      const ended = await executor.run({
        kind: 'entity.find',
        input: { target: 'inventory', noun: 'assets', question: 'count', ...asked },
      } as never)
      const { code } = ended.error ?? {}
      expect(['invalid_request', 'out_of_range', undefined], `${word}: ${ended.error?.message}`).toContain(code)
      expect(ended.effect).toBe('none')
      const { statement = '' } = (ended.result?.data ?? {}) as { statement?: string }
      expect(statement).not.toMatch(/drop|union|sleep|9007199|api_key|;/i)
    }
  }
  expect(await rows()).toEqual(before)
})

describe('a table', () => {
  const other = (table: string, columns = 'label_column: city, name_column: name') =>
    `targets: { inventory: { type: sql, url_env: TEST_DATABASE_URL, entities: { things: { table: ${table}, ${columns} } } } }`
  const ask = (executor: TestExecutor, condition: string, asked: Asked = {}) =>
    find(executor, condition, { noun: 'things', ...asked })

  it('of a million rows is asked in time, and a rare value in it is found', async () => {
    await using executor = await withShop(
      [
        'create table shop.big (id int, name text, city text, note text, seen_at timestamptz)',
        `insert into shop.big select n, 'host-' || n, case when n % 2 = 0 then 'Berlin' else 'Hamburg' end,
           case when n = 999000 then 'Rare Thing' else 'note ' || n end, now() - n * interval '1 minute' from generate_series(1, 1000000) n`,
        `update shop.big set city = 'Oslo' where id > 999997`,
        'analyze shop.big',
      ],
      other('shop.big'),
    )
    expect((await ask(executor, 'in Berlin')).result?.text).toBe("499998 things (city = 'Berlin')")
    expect((await ask(executor, 'in oslo')).result?.text).toBe("3 things (city = 'Oslo')")
    expect((await ask(executor, 'host-777777')).result?.text).toBe("1 things (name = 'host-777777')")
    expect((await ask(executor, 'rare thing')).result?.text).toBe("1 things (note = 'Rare Thing')")
    expect((await ask(executor, 'in Atlantis')).error).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('"Atlantis" is neither'),
    })
    expect((await ask(executor, '', { question: 'group', per: 'city' })).result?.text).toBe(
      '1000000 things by city: 499999 Hamburg, 499998 Berlin, 3 Oslo',
    )
    expect((await ask(executor, '', { question: 'group', per: 'name' })).error?.code).toBe('limit_exceeded')
    const { result } = await ask(executor, 'in Hamburg', { question: 'list' })
    expect(result?.text).toMatch(/^499999 things \(city = 'Hamburg'\): host-1, .* and 499949 more$/)
  })

  it('of 300 columns is asked as others are', async () => {
    const columns = Array.from({ length: 300 }, (_, index) => `"Column ${index}" text`)
    await using executor = await withShop(
      [
        `create table shop.wide (name text, city text, ${columns.join(', ')})`,
        `insert into shop.wide (name, city, "Column 299") values ('a', 'Berlin', 'gold'), ('b', 'Hamburg', 'silver')`,
      ],
      other('shop.wide'),
    )
    expect((await ask(executor, 'gold')).result?.text).toBe("1 things (Column 299 = 'gold')")
    expect((await ask(executor, 'column 299 is not gold')).result?.text).toBe("1 things (Column 299 is not 'gold')")
    const { result } = await ask(executor, '', { question: 'list' })
    expect((result?.data as { columns: string[] }).columns).toHaveLength(50)
  })

  it('may be a view, and one that may change something is refused', async () => {
    await using executor = await withShop(
      [
        'create view shop.seen as select a.name, l.city from shop.assets a join shop.locations l on l.id = a.location_id',
        `create function shop.moves() returns text language sql as 'select ''Berlin''::text'`,
        'create view shop.moving as select name, shop.moves() as city from shop.assets',
      ],
      other('shop.seen'),
    )
    expect((await ask(executor, 'in Berlin')).result?.text).toBe("2 things (city = 'Berlin')")
    await using moving = await withShop(
      [
        `create function shop.moves() returns text language sql as 'select ''Berlin''::text'`,
        'create view shop.moving as select name, shop.moves() as city from shop.assets',
      ],
      other('shop.moving'),
    )
    expect(await ask(moving, 'in Berlin')).toMatchObject({ effect: 'none', error: { code: 'not_read_only' } })
  })

  it('whose rows differ at every reading has no proof', async () => {
    await using executor = await withShop(
      [`create view shop.dice as select clock_timestamp()::text as name, 'Berlin' as city`],
      other('shop.dice'),
    )
    expect(await ask(executor, 'in Berlin', { question: 'list' })).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed' },
      evidence: { outcome: 'failed', facts: { looks: 2 } },
    })
  })

  it('that execution.yaml names and the database has not is named in the error', async () => {
    await using executor = await withShop([], other('shop.gone'))
    expect((await ask(executor, '')).error?.message).toBe(
      'there is no table shop.gone, which execution.yaml gives for things; correct its `table`',
    )
  })

  it('with a secret in a value matches it never, and shows it in no error', async () => {
    registerSecret('correct-horse-battery')
    await using executor = await withShop(
      [
        'create table shop.notes (name text, city text)',
        `insert into shop.notes values ('a', 'correct-horse-battery'), ('b', 'correct-horse-battery')`,
      ],
      other('shop.notes'),
    )
    for (const condition of ['correct-horse-battery', 'city correct-horse-battery', 'Berlin', 'correct']) {
      const { error } = await ask(executor, condition)
      expect(error?.code, condition).toBe('invalid_request')
      expect(error?.message.replaceAll(`"${condition}"`, '')).not.toContain('horse')
    }
  })

  it('whose column the role may not read is asked without it', async () => {
    const executor = await withShop([
      `create role asker login password 'asks'`,
      'grant usage on schema shop to asker',
      'grant select (id, name, type) on shop.assets to asker',
    ])
    await using _ = executor
    const url = new URL(executor.world.env.TEST_DATABASE_URL!)
    url.username = 'asker'
    url.password = 'asks'
    await using limited = await testExecutor(CONFIG, { TEST_DATABASE_URL: url.href })
    expect((await find(limited, 'servers')).result?.text).toBe("3 assets (type = 'Server')")
    expect((await find(limited, 'assigned to ben')).error?.message).toContain(
      '(columns are id; name: db-1, db-2, db-3; type',
    )
    await executor.database.query('drop', 'drop owned by asker', [])
    await executor.database.query('drop-role', 'drop role asker', [])
  })
})
