// Runs the shipped migration template on a real PostgreSQL, twice: a migration may be repeated.
import { fileURLToPath } from 'node:url'
import { testDatabase } from '@deed/store/test-database'
import { renderTemplate } from '@deed/template/render'
import { describe, expect, it } from 'vitest'
import { loadCatalogue } from '../templates/catalogue.ts'
import { migrations } from './migrations.ts'

describe('the migration template', () => {
  it.each(['invoices', 'order', 'User accounts', '2nd try'])('creates a working table for %s', async (name) => {
    const catalogue = await loadCatalogue([fileURLToPath(new URL('../../templates', import.meta.url))])
    const template = catalogue.get('database.sql')
    if (template === undefined) throw new Error('the template is not shipped')
    const statements = renderTemplate(template, { name, description: 'It\'s for "them"; -- really' })
    await using store = await testDatabase('template_optimizer', migrations)
    await store.pool.query(statements)
    await store.pool.query(statements)
    const table = /CREATE TABLE IF NOT EXISTS (\w+)/.exec(statements)?.[1]
    await store.pool.query(`INSERT INTO ${table} (name) VALUES ('a')`)
    await store.pool.query(`UPDATE ${table} SET status = 'archived'`)
    const { rows } = await store.pool.query(`SELECT updated_at > created_at AS touched FROM ${table}`)
    expect(rows).toEqual([{ touched: true }])
    await expect(store.pool.query(`INSERT INTO ${table} (name) VALUES ('')`)).rejects.toMatchObject({ code: '23514' })
  })
})
