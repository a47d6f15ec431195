// Questions over rows in words, on a real PostgreSQL: what they become, and what is refused.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { find, withAssets } from '../../test/test-assets.ts'
import type { TestExecutor } from '../../test/test-executor.ts'
import { inspect } from '../../test/test-shop.ts'

describe('a question over rows', () => {
  let executor: TestExecutor
  beforeAll(async () => {
    executor = await withAssets()
  })
  afterAll(() => executor?.[Symbol.asyncDispose]())

  it('is one SELECT with the values apart, which the result and the evidence show', async () => {
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
    ['with a price of at least 1,500', 2, 'price >= 1500'],
    ['whose price is not more than 900', 1, 'price <= 900'],
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
    const textOf = async (noun: string, conditions: string[] = []) =>
      (await find(executor, conditions, { noun })).result?.text
    expect(await textOf('Windows workstations')).toBe("2 Windows workstations (type = 'Windows workstation')")
    expect(await textOf('windows workstation')).toBe("2 windows workstation (type = 'Windows workstation')")
    expect(await textOf('servers', ['in Lisbon'])).toBe("1 servers (type = 'Server' and location.city = 'Lisbon')")
    expect(await textOf('Assets')).toBe('6 assets')
    expect(await textOf('asset')).toBe('6 assets')
  })

  it('names the rows of a list, by their name, with the columns asked about', async () => {
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
    expect((await find(executor, condition, { noun: 'customers' })).result?.text).toBe(text)
  })

  it('shows the statement and its values where the plan is inspected', async () => {
    const input = { target: 'inventory', noun: 'assets', question: 'count', conditions: ['in Berlin'] }
    const summary =
      'count assets in inventory where location.city = \'Berlin\': select count(*) as count from shop.assets t left join shop.locations r1 on r1.id = t.location_id where (r1.city::text = $1::text) with $1 = "Berlin"'
    expect(await inspect(executor, { kind: 'entity.find', input })).toMatchObject({ effect: 'read', summary })
  })
})

describe('words that are not clear', () => {
  let executor: TestExecutor
  beforeAll(async () => {
    executor = await withAssets([
      `alter table shop.assets add column os text, add column ready boolean, add column status text, add column seen_at timestamptz`,
      `update shop.assets set os = case when id < 3 then 'Windows 11' else 'Debian 12' end, status = 'ready'`,
    ])
  })
  afterAll(() => executor?.[Symbol.asyncDispose]())

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
    ['not', 'it ends before it says which'],
    ['in Berlin with', 'it ends before it says which'],
    ['in Berlin or', 'it ends before it says which'],
    ['drop', '"drop" is neither a column'],
    ['with api key k1', '"api" is neither a column'],
    ['k1', '"k1" is neither a column'],
    ['NaN', '"NaN" is neither a column'],
    ['price > NaN', '"price" is neither a column'],
  ])('are refused, and the error names what they could be: %s', async (condition, message) => {
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
  await using executor = await withAssets()
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
