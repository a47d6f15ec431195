// Tables of every size and form that a question in words may be about, on a real PostgreSQL.
import { registerSecret } from '@deed/telemetry/redact'
import { describe, expect, it } from 'vitest'
import { ASSETS_CONFIG, find, type QuestionInput, withAssets } from '../../test/test-assets.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'

describe('a table', () => {
  const other = (table: string, columns = 'label_column: city, name_column: name') =>
    `targets: { inventory: { type: sql, url_env: TEST_DATABASE_URL, entities: { things: { table: ${table}, ${columns} } } } }`
  const ask = (executor: TestExecutor, condition: string, asked: QuestionInput = {}) =>
    find(executor, condition, { noun: 'things', ...asked })

  it('of 200,000 rows is asked in time, and a rare value in it is found', async () => {
    await using executor = await withAssets(
      [
        'create table shop.big (id int, name text, city text, note text, seen_at timestamptz)',
        `insert into shop.big select n, 'host-' || n, case when n % 2 = 0 then 'Berlin' else 'Hamburg' end,
           case when n = 199000 then 'Rare Thing' else 'note ' || n end, now() - n * interval '1 minute' from generate_series(1, 200000) n`,
        `update shop.big set city = 'Oslo' where id > 199997`,
        'analyze shop.big',
      ],
      other('shop.big'),
    )
    expect((await ask(executor, 'in Berlin')).result?.text).toBe("99998 things (city = 'Berlin')")
    expect((await ask(executor, 'in oslo')).result?.text).toBe("3 things (city = 'Oslo')")
    expect((await ask(executor, 'host-177777')).result?.text).toBe("1 things (name = 'host-177777')")
    expect((await ask(executor, 'rare thing')).result?.text).toBe("1 things (note = 'Rare Thing')")
    expect((await ask(executor, 'in Atlantis')).error).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('"Atlantis" is neither'),
    })
    expect((await ask(executor, '', { question: 'group', per: 'city' })).result?.text).toBe(
      '200000 things by city: 99999 Hamburg, 99998 Berlin, 3 Oslo',
    )
    expect((await ask(executor, '', { question: 'group', per: 'name' })).error?.code).toBe('limit_exceeded')
    const { result } = await ask(executor, 'in Hamburg', { question: 'list' })
    expect(result?.text).toMatch(/^99999 things \(city = 'Hamburg'\): host-1, .* and 99949 more$/)
  })

  it('of 300 columns is asked as others are', async () => {
    const columns = Array.from({ length: 300 }, (_, index) => `"Column ${index}" text`)
    await using executor = await withAssets(
      [
        `create table shop.wide (name text, city text, ${columns.join(', ')})`,
        `insert into shop.wide (name, city, "Column 299") values ('a', 'Berlin', 'gold'), ('b', 'Hamburg', 'silver')`,
      ],
      other('shop.wide'),
    )
    expect((await ask(executor, 'gold')).result?.text).toBe("1 things (Column 299 = 'gold')")
    expect((await ask(executor, 'column 299 is not gold')).result?.text).toBe("1 things (Column 299 is not 'gold')")
    const { result } = await ask(executor, '', { question: 'list' })
    expect(result?.data).toMatchObject({ columns: { length: 50 } })
  })

  it('may be a view, and one that may change something is refused', async () => {
    await using executor = await withAssets(
      [
        'create view shop.seen as select a.name, l.city from shop.assets a join shop.locations l on l.id = a.location_id',
        `create function shop.moves() returns text language sql as 'select ''Berlin''::text'`,
        'create view shop.moving as select name, shop.moves() as city from shop.assets',
      ],
      other('shop.seen'),
    )
    expect((await ask(executor, 'in Berlin')).result?.text).toBe("2 things (city = 'Berlin')")
    await using moving = await withAssets(
      [
        `create function shop.moves() returns text language sql as 'select ''Berlin''::text'`,
        'create view shop.moving as select name, shop.moves() as city from shop.assets',
      ],
      other('shop.moving'),
    )
    expect(await ask(moving, 'in Berlin')).toMatchObject({ effect: 'none', error: { code: 'not_read_only' } })
  })

  it('whose rows differ at every reading has no proof', async () => {
    await using executor = await withAssets(
      [`create view shop.dice as select clock_timestamp()::text as name, 'Berlin' as city`],
      other('shop.dice'),
    )
    expect(await ask(executor, 'in Berlin', { question: 'list' })).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed' },
      evidence: { outcome: 'failed', facts: { observations: 2 } },
    })
  })

  it('that execution.yaml names and the database has not is named in the error', async () => {
    await using executor = await withAssets([], other('shop.gone'))
    expect((await ask(executor, '')).error?.message).toBe(
      'there is no table shop.gone, which execution.yaml gives for things; correct its `table`',
    )
  })

  it('with a secret in a value matches it never, and shows it in no error', async () => {
    registerSecret('correct-horse-battery')
    await using executor = await withAssets(
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
    const executor = await withAssets([
      `create role asker login password 'asks'`,
      'grant usage on schema shop to asker',
      'grant select (id, name, type) on shop.assets to asker',
    ])
    await using _ = executor
    const url = new URL(executor.world.env.TEST_DATABASE_URL!)
    url.username = 'asker'
    url.password = 'asks'
    await using limited = await testExecutor(ASSETS_CONFIG, { TEST_DATABASE_URL: url.href })
    expect((await find(limited, 'servers')).result?.text).toBe("3 assets (type = 'Server')")
    expect((await find(limited, 'assigned to ben')).error?.message).toContain(
      '(columns are id; name: db-1, db-2, db-3; type',
    )
    await executor.database.query('drop', 'drop owned by asker', [])
    await executor.database.query('drop-role', 'drop role asker', [])
  })
})
