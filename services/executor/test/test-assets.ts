/** A database of assets and customers, and questions about them in words. */
import type { Conclusion } from '../src/attempt/conclusion.ts'
import { type TestExecutor, testExecutor } from './test-executor.ts'

/** Of execution.yaml, for a database that `withAssets` has filled. */
export const ASSETS_CONFIG = `targets:
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

/** @param more statements after those that make the tables */
export async function withAssets(more: readonly string[] = [], config = ASSETS_CONFIG): Promise<TestExecutor> {
  const executor = await testExecutor(config)
  for (const [index, statement] of [...TABLES, ...more].entries())
    await executor.database.query(`make-${index}`, statement, [])
  return executor
}

export interface QuestionInput {
  noun?: string
  question?: 'count' | 'list' | 'group'
  per?: string
  limit?: number
}

/** Counts the assets for which the conditions hold, unless `asked` says otherwise. */
export const find = (
  executor: TestExecutor,
  conditions: string | string[] = [],
  asked: QuestionInput = {},
): Promise<Conclusion> =>
  executor.run({
    kind: 'entity.find',
    input: { target: 'inventory', noun: 'assets', question: 'count', conditions: [conditions].flat(), ...asked },
  })
