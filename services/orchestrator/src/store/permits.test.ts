// What the organization permits, read in a view like its own: by tenant, environment and release, or not at all.
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { migrations } from './migrations.ts'
import { permitsIn } from './permits.ts'
import type { Schema } from './schema.ts'

const opened = new AsyncDisposableStack()
let db: TestDatabase<Schema>
beforeAll(async () => {
  db = opened.use(await testDatabase<Schema>('orchestrator', migrations))
})
afterAll(() => opened.disposeAsync())

it('a permit is for one release where the action names one; without an organization nothing is permitted', async () => {
  const permits = permitsIn(db)
  expect(await permits('local', 'staging', undefined)).toBe(false)
  await db.query('schema', 'create schema organization', [])
  await db.query('table', 'create table organization.deployments (tenant text, environment text, release text)', [])
  await db.query('permit', `insert into organization.deployments values ('local', 'staging', 'v2')`, [])
  expect(await permits('local', 'staging', ['shop:v2', 'v2'])).toBe(true)
  expect(await permits('local', 'staging', ['shop:v3', 'v3'])).toBe(false)
  expect(await permits('local', 'staging', undefined)).toBe(true)
  expect(await permits('local', 'production', undefined)).toBe(false)
  expect(await permits('acme', 'staging', undefined)).toBe(false)
})
