/** A database of a few tables for tests, and inspections of what is to be done to it. */
import { randomUUID } from 'node:crypto'
import { inspectAction as contract, type Inspection } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { inspectAction } from '../src/handlers/inspect-action.ts'
import { type TestExecutor, testExecutor } from './test-executor.ts'

export async function withTables(...statements: string[]): Promise<TestExecutor> {
  const executor = await testExecutor('targets: { shop: { type: sql, url_env: TEST_DATABASE_URL } }')
  for (const [index, statement] of statements.entries()) await executor.database.query(`make-${index}`, statement, [])
  return executor
}

export const CUSTOMERS = [
  'create table public.cust (id int primary key, name text)',
  'create table public.ord (id int primary key, cust int references public.cust on delete cascade)',
  'create table public.line (ord int references public.ord on delete cascade, n int)',
  `insert into public.cust values (1, 'a'), (2, 'b')`,
  'insert into public.ord select n, 1 from generate_series(1, 50) as n',
  'insert into public.line select 1, n from generate_series(1, 7) as n',
]

interface Given {
  kind: string
  input: JsonObject
}

/** The last of the actions, which are inspected together. @throws what the inspection says instead */
export async function inspect({ world }: TestExecutor, ...actions: Given[]): Promise<Inspection> {
  const given = contract.input.parse({ execution_id: randomUUID(), actions })
  const context = { deadline: performance.now() + 60_000 } as Parameters<ReturnType<typeof inspectAction>>[1]
  const { inspections } = contract.output.parse(await inspectAction({ world })(given, context))
  const found = inspections.at(-1)
  if (found && 'inspection' in found) return found.inspection
  throw found ? DeedError.from(found.error) : new Error('there is no inspection')
}

const NOWHERE = `select count(*) from pg_catalog.pg_class where relname = 'nowhere'`

/** An action that has nothing to prove: it is only inspected. */
export const statement = (text: string, undo?: string) => ({
  kind: 'sql.execute',
  input: {
    target: 'shop',
    statement: text,
    verify: { query: NOWHERE, equals: 1 },
    ...(undo === undefined ? {} : { undo: { statement: undo, verify: { query: NOWHERE, equals: 0 } } }),
  } as JsonObject,
})
