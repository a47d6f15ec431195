// Runs every shipped SQL template on a real PostgreSQL, twice: a migration may be repeated.
import { fileURLToPath } from 'node:url'
import { testDatabase } from '@deed/store/test-database'
import { renderTemplate } from '@deed/template/render'
import { describe, expect, it } from 'vitest'
import { loadCatalogue } from '../templates/catalogue.ts'
import { migrations } from './migrations.ts'

const catalogue = await loadCatalogue([fileURLToPath(new URL('../../templates', import.meta.url))])
const open = () => testDatabase('template_optimizer', migrations)
const statementsOf = (id: string, values: Record<string, string>) => renderTemplate(catalogue.get(id)!, values)

describe('a shipped SQL template', () => {
  for (const { id, language } of catalogue.templates) {
    if (language !== 'sql') continue
    it(`${id} runs on PostgreSQL, and runs again`, async () => {
      await using store = await open()
      for (const name of ['invoices', 'order', '2nd try']) {
        const statements = statementsOf(id, { name, description: 'It\'s for "them"; -- really' })
        await store.pool.query(statements)
        await store.pool.query(statements)
      }
    })
  }

  it('for a table keeps its rules and the time of the last change', async () => {
    await using store = await open()
    await store.pool.query(statementsOf('database.sql', { name: 'invoices' }))
    await store.pool.query(`INSERT INTO invoices (name) VALUES ('a')`)
    await store.pool.query(`UPDATE invoices SET status = 'archived'`)
    const { rows } = await store.pool.query(`SELECT updated_at > created_at AS touched FROM invoices`)
    expect(rows).toEqual([{ touched: true }])
    await expect(store.pool.query(`INSERT INTO invoices (name) VALUES ('')`)).rejects.toMatchObject({ code: '23514' })
  })

  it('for an audit records what a row was and became', async () => {
    await using store = await open()
    await store.pool.query(statementsOf('database.audit.sql', { name: 'accounts' }))
    await store.pool.query(`INSERT INTO accounts (name) VALUES ('a')`)
    await store.pool.query(`UPDATE accounts SET name = 'b'`)
    await store.pool.query('DELETE FROM accounts')
    const { rows } = await store.pool.query(
      `SELECT operation, row_before ->> 'name' AS was, row_after ->> 'name' AS is FROM accounts_audit ORDER BY id`,
    )
    expect(rows).toEqual([
      { operation: 'INSERT', was: null, is: 'a' },
      { operation: 'UPDATE', was: 'a', is: 'b' },
      { operation: 'DELETE', was: 'b', is: null },
    ])
  })

  it('for partitions makes the one of today', async () => {
    await using store = await open()
    await store.pool.query(statementsOf('database.partition.sql', { name: 'measurements' }))
    const { rows } = await store.pool.query('INSERT INTO measurements (value) VALUES (1) RETURNING value')
    expect(rows).toEqual([{ value: 1 }])
  })
})
