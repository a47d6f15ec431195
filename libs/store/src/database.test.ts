// A real PostgreSQL, and a second connection that terminates connections.

import { ConfigError } from '@deed/config/config-error'
import { createLogger } from '@deed/telemetry/logger'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { Client, DatabaseError, type PoolClient } from 'pg'
import { describe, expect, it } from 'vitest'
import { inTransaction, mayRetry, openDatabase, retried } from './database.ts'
import { storeProbes } from './store-probes.ts'
import { type TestDatabase, testDatabase } from './test-database.ts'

interface Schema {
  notes: { text: string }
}

const migrations: Record<string, Migration> = {
  '001-notes': {
    up: (db: Kysely<unknown>) =>
      db.schema
        .createTable('notes')
        .addColumn('text', 'text', (column) => column.notNull().unique())
        .execute(),
  },
}
const log = createLogger('test')

describe('a database', () => {
  it('is migrated once, however many replicas start at the same time', async () => {
    await using first = await testDatabase<Schema>('shelf', migrations)
    const later: Record<string, Migration> = {
      ...migrations,
      '002-first-note': {
        up: async (db) => void (await (db as Kysely<Schema>).insertInto('notes').values({ text: 'first' }).execute()),
      },
    }
    const options = { url: first.url, schema: 'shelf', migrations: later, log }
    const replicas = await Promise.all([openDatabase<Schema>(options), openDatabase<Schema>(options)])
    try {
      for (const { db } of replicas) {
        expect(await db.selectFrom('notes').selectAll().execute()).toEqual([{ text: 'first' }])
      }
    } finally {
      for (const replica of replicas) await replica[Symbol.asyncDispose]()
    }
  })

  it('serves an earlier release while a later one takes over, and keeps the later schema', async () => {
    await using first = await testDatabase<Schema>('shelf', migrations)
    const later: Record<string, Migration> = {
      ...migrations,
      '002-authors': { up: (db) => db.schema.alterTable('notes').addColumn('author', 'text').execute() },
    }
    const options = { url: first.url, schema: 'shelf', log }
    await using _later = await openDatabase<Schema>({ ...options, migrations: later })
    await using earlier = await openDatabase<Schema>({ ...options, migrations })
    expect(await earlier.query('test.authors', 'insert into notes values ($1) returning author', ['x'])).toEqual([
      { author: null },
    ])
  })

  it('is refused to a release that lacks what a later one needs, in a sentence that says what to do', async () => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    const drop: Migration = { up: (db) => db.schema.alterTable('notes').addColumn('later', 'text').execute() }
    const options = { url: database.url, schema: 'shelf', log }
    const probe = storeProbes(database, migrations)
    expect(await probe.schema()).toBeUndefined()
    await using _later = await openDatabase<Schema>({
      ...options,
      migrations: { ...migrations, '002-widen': { up: async () => undefined }, '003-drop-needs-002': drop },
    })
    const sentence =
      'the tables of shelf are of a later release, which this one cannot work with (migration 003-drop-needs-002); start that release or a newer one, or put back a backup of this one with deed restore'
    await expect(openDatabase<Schema>({ ...options, migrations })).rejects.toThrow(new ConfigError(sentence))
    // A process that runs already is no longer ready.
    expect(await probe.schema()).toBe(sentence)
  })

  it('that an earlier set of migrations has made is refused with a sentence, and left as it is', async () => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    const squashed = { '001-schema': { up: (db: Kysely<unknown>) => db.schema.dropTable('notes').execute() } }
    await expect(
      openDatabase<Schema>({ url: database.url, schema: 'shelf', migrations: squashed, log }),
    ).rejects.toThrow(
      new ConfigError(
        'the tables of shelf were made by an earlier set of migrations (001-notes), which this release cannot bring up to date; begin with an empty data folder or database, or run the release that made them',
      ),
    )
    expect(await database.query('notes', 'select from notes', [])).toEqual([])
  })

  it('is not opened if a migration fails, and the error says why', async () => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    const broken = { ...migrations, '002-broken': { up: () => Promise.reject(new Error('no such thing')) } }
    await expect(
      openDatabase<Schema>({ url: database.url, schema: 'shelf', migrations: broken, log }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('shelf'),
      cause: expect.objectContaining({ message: 'no such thing' }),
    })
  })

  it('retries on another connection when the current one is terminated', async () => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    const insert = () => database.query('test.insert', 'insert into notes values ($1) on conflict do nothing', ['kept'])
    await insert()
    await terminateOthers(database.url)
    await insert()
    // While a statement runs.
    const slow = database.query<{ text: string }>(
      'test.slow',
      'select text, pg_sleep(0.3)::text as slept from notes',
      [],
    )
    await untilActive(database.url, 'pg_sleep')
    await terminateOthers(database.url)
    expect(await slow).toEqual([{ text: 'kept', slept: '' }])
  })

  it('rejects statements beyond the queue limit, and runs all others', async () => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    const connections = await Promise.all(Array.from({ length: 6 }, () => database.pool.connect()))
    const asked = Array.from({ length: 2_100 }, () =>
      database.query('test.one', 'select 1', []).then(
        () => 'done',
        (error: { code?: string }) => error.code,
      ),
    )
    for (const connection of connections) connection.release()
    const outcomes = await Promise.all(asked)
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(2_000)
    expect(outcomes.filter((outcome) => outcome === 'overloaded')).toHaveLength(100)
  })

  it('refuses a second statement of the same name, whichever connection it would run on', async () => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    await database.query('test.same', 'select 1', [])
    await database.query('test.same', 'select 1', [])
    await expect(database.query('test.same', 'select 2', [])).rejects.toThrow('two statements have the name test.same')
  })

  it('commits a transaction completely or not at all, and releases its connection', async () => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    const insertTwice = (second: string) =>
      inTransaction(database, log, async (client) => {
        await client.query('insert into notes values ($1)', ['one'])
        await client.query('insert into notes values ($1)', [second])
      })
    for (let time = 0; time < 10; time++) {
      // More often than the pool has connections: a leaked connection would block.
      await expect(insertTwice('one')).rejects.toThrow('duplicate key')
    }
    expect(await database.query('test.all', 'select text from notes order by 1', [])).toEqual([])
    await insertTwice('two')
    expect(await database.query('test.all', 'select text from notes order by 1', [])).toEqual([
      { text: 'one' },
      { text: 'two' },
    ])
  })

  it('retries a transaction that lost against another', async () => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    await database.query('test.insert-two', "insert into notes values ('a'), ('b')", [])
    let runs = 0
    const met = Promise.withResolvers<void>()
    const swap = (order: readonly [string, string]) =>
      inTransaction(database, log, async (client) => {
        const lock = (text: string) => client.query('select from notes where text = $1 for update', [text])
        await lock(order[0])
        if (++runs === 2) met.resolve()
        await met.promise
        await lock(order[1])
        return order[0]
      })
    expect(await Promise.all([swap(['a', 'b']), swap(['b', 'a'])])).toEqual(['a', 'b'])
    expect(runs).toBe(3)
  })

  it.each([
    ['a transaction', inTransactionWith],
    ['a transaction of the query builder', inTransactionOfBuilder],
  ])('outlives the death of a connection between two statements of %s', async (_, insertWith) => {
    await using database = await testDatabase<Schema>('shelf', migrations)
    let taken: PoolClient | undefined
    database.pool.on('acquire', (client) => {
      taken = client
    })
    let runs = 0
    const between = async (): Promise<void> => {
      if (++runs > 1) return
      const ended = new Promise((resolve) => taken?.once('end', resolve))
      await terminateOthers(database.url)
      await ended
    }
    await insertWith(database, between)
    expect(runs).toBe(2)
    expect(await database.query('test.all', 'select text from notes order by 1', [])).toEqual([
      { text: 'after' },
      { text: 'before' },
    ])
  })
})

async function inTransactionWith(database: TestDatabase<Schema>, between: () => Promise<void>): Promise<void> {
  await inTransaction(database, log, async (client) => {
    await client.query("insert into notes values ('before')")
    await between()
    await client.query("insert into notes values ('after')")
  })
}

async function inTransactionOfBuilder(database: TestDatabase<Schema>, between: () => Promise<void>): Promise<void> {
  await retried(log, () =>
    database.db.transaction().execute(async (transaction) => {
      await transaction.insertInto('notes').values({ text: 'before' }).execute()
      await between()
      await transaction.insertInto('notes').values({ text: 'after' }).execute()
    }),
  )
}

describe('a failure', () => {
  it('is retried if the same statement can succeed', () => {
    const withCode = (code: string): Error => Object.assign(new DatabaseError('x', 1, 'error'), { code })
    for (const code of ['40001', '40P01', '57P01', '08006', '53300', 'ECONNREFUSED']) {
      expect(mayRetry(withCode(code)), code).toBe(true)
    }
    for (const code of ['23505', '42P01', '22P05', '23514', '57014']) expect(mayRetry(withCode(code)), code).toBe(false)
    expect(mayRetry(new Error('Connection terminated unexpectedly'))).toBe(true)
    expect(mayRetry('ECONNREFUSED')).toBe(false)
  })

  it('that persists is thrown as a DatabaseAwayError after a bounded number of tries', async () => {
    let runs = 0
    const conflict = Object.assign(new DatabaseError('could not serialize access', 1, 'error'), { code: '40001' })
    const work = async (): Promise<never> => {
      runs++
      throw conflict
    }
    await expect(retried(log, work, [1, 1, 1])).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
      message: expect.stringContaining('conflicting'),
      cause: conflict,
    })
    expect(runs).toBe(4)
  })

  it('of any other kind is thrown at once', async () => {
    let runs = 0
    const work = async (): Promise<never> => {
      runs++
      throw new Error('a bug')
    }
    await expect(retried(log, work)).rejects.toThrow('a bug')
    expect(runs).toBe(1)
  })
})

async function asAnother<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const terminateOthers = (url: string): Promise<unknown> =>
  asAnother(url, (client) =>
    client.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name like 'deed-%'`,
    ),
  )

const untilActive = (url: string, words: string): Promise<void> =>
  asAnother(url, async (client) => {
    for (;;) {
      const { rowCount } = await client.query(
        `select from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()
           and datname = current_database()`,
        [`%${words}%`],
      )
      if (rowCount) return
    }
  })
