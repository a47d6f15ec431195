// However many executions there have been, a page of them costs the same: counted in the rows that PostgreSQL touches. ENDED
// sets how many.
import { COUNTED, listExecutions as contract } from '@deed/proto/execution'
import { ExecutionStatus, Method } from '@deed/proto/states'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Counting, counting } from '../../test/rows-touched.ts'
import { readStatuses } from '../handlers/watch-execution.ts'
import { claimDue } from './due.ts'
import { countEnds, insertEnds } from './ends.ts'
import { findLastChange, selectExecutions } from './executions.ts'
import { addHeldChanges } from './held-counts.ts'
import { type Filter, listExecutions } from './lists.ts'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'
import { readStatistics } from './statistics.ts'
import { readTasks } from './task-list.ts'

const ENDED = 20_000
const OPEN = 1_000
const LIMIT = 20
const EVERY_MS = 60_000
/** Of the newest; the others are before it. */
const NOW = Date.parse('2026-11-01T12:00:00.000Z')
const caller = { tenant: 'local', user: 'ada' }

let db: TestDatabase<Schema>
let counted: Counting

beforeAll(async () => {
  db = await testDatabase<Schema>('orchestrator', migrations)
  // One in a hundred failed, and one in a thousand at all was by a model; the oldest alone speak of a boiler.
  const id = (kind: string): string =>
    `(lpad(to_hex(${NOW} - n * ${EVERY_MS}), 12, '0') || '${kind}8000' || lpad(to_hex(n), 12, '0'))::uuid`
  for (const statement of [
    `insert into executions (tenant, execution_id, user_name, request_hash, request, trace, status, method, template_used,
       created_at, finished_at, next_check_at, followed_up, task_verified, cache_hit, duplicate_effects, error)
     select case when n % 2 = 0 then 'local' else 'other' end, ${id('7000')}, case when n > ${ENDED} then 'ada' else 'bob' end, '',
       jsonb_build_object('task', case when n > ${2 * ENDED} - 20 then 'look at the boiler ' else 'Write line ' end || n), '',
       case when n <= ${OPEN} then 'waiting' when n % 200 = 0 then 'failed' else 'done' end,
       case when n % 2000 = 0 then 'llm_assisted' else 'autonomous' end, case when n % 3000 = 0 then 'rare' else 'usual' end,
       to_timestamp((${NOW} - n * ${EVERY_MS}::float8) / 1000), case when n > ${OPEN} then to_timestamp((${NOW} - n * ${EVERY_MS}::float8) / 1000 + 0.1) end,
       now() + interval '1 day', n > ${OPEN}, n % 1400 <> 0, n % 1600 = 0, (n % 1800 = 0)::int,
       case when n % 200 = 0 then '{"code": "effect_failed", "message": "there is no_room"}'::jsonb end
       from generate_series(1::bigint, ${2 * ENDED}) n`,
    `insert into desired_state (tenant, task_id, execution_id, position, name, title, task_kind, capability, desired_status, spec)
     select tenant, execution_id, execution_id, 0, 'write', 'write', 'act', 'act', 'done',
       case status when 'failed' then '{"input": {"target": "shop"}}'::jsonb end from executions`,
    `insert into actual_state (tenant, task_id, execution_id, task_kind, actual_status, effect, verification)
     select tenant, execution_id, execution_id, 'act', case status when 'failed' then 'failed' when 'waiting' then 'pending' else 'done' end,
       case when user_name = 'ada' then 'made' else 'none' end, '{"kind": "observed", "outcome": "verified"}' from executions`,
    `with ended as (${insertEnds('(select * from executions where followed_up)')}) ${countEnds('ended', '+')}`,
    'analyze',
  ])
    await db.pool.query(statement)
  await addHeldChanges(db)
  counted = counting(db)
}, 600_000)
afterAll(() => db?.[Symbol.asyncDispose]())

async function touchedBy<Result>(work: () => Promise<Result>): Promise<[Result, number]> {
  const before = counted.touched()
  return [await work(), counted.touched() - before]
}

const FILTERS: Omit<Filter, 'limit'>[] = [
  {},
  ...ExecutionStatus.options.map((status) => ({ status })),
  ...Method.options.map((method) => ({ method })),
  { template: 'rare' },
  { template: 'none' },
  { status: 'failed', method: 'llm_assisted' },
  { status: 'failed', template: 'rare' },
  { status: 'denied', method: 'cached', template: 'usual' },
  { until: new Date(NOW - 1.5 * ENDED * EVERY_MS).toISOString() },
  { since: new Date(NOW - 10 * EVERY_MS).toISOString() },
  ...COUNTED.map((only) => ({ only })),
  { only: 'unverified', status: 'done', method: 'llm_assisted' },
  { since: new Date(NOW + EVERY_MS).toISOString(), status: 'done' },
]

describe(`a history of ${ENDED} executions of a tenant`, () => {
  it.each(FILTERS)('is listed by an index: %j', async (filter) => {
    const [page, touched] = await touchedBy(() => listExecutions(counted.db, 'local', { ...filter, limit: LIMIT }))
    contract.output.parse(page)
    expect(touched).toBeLessThanOrEqual(40 * LIMIT + (filter.status === 'running' ? 0 : 10 * OPEN))
    const { status = null, method = null, template = null, since = null, until = null, only = null } = filter
    const { rows } = await db.pool.query(
      `select execution_id from executions where tenant = 'local' and ($1::text is null or status = $1)
         and ($2::text is null or method = $2) and ($3::text is null or template_used = $3)
         and ($4::timestamptz is null or created_at >= $4) and ($5::timestamptz is null or created_at < $5)
         and case $7 when 'open' then finished_at is null when 'verified' then status = 'done' and task_verified
           when 'unverified' then status = 'done' and not task_verified when 'cache_hit' then cache_hit
           when 'rollback_failed' then status = $7 when 'duplicate_effect' then duplicate_effects > 0
           when 'false_success' then false else true end
       order by execution_id desc limit $6`,
      [status, method, template, since, until, LIMIT, only],
    )
    expect(page.executions.map(({ execution_id: one }) => one)).toEqual(rows.map(({ execution_id: one }) => one))
  })

  it.each([
    ['what all have', { text: 'WRITE line' }, LIMIT],
    ['what the oldest alone have', { text: 'the boiler 39' }, 9],
    ['what one has', { text: `line ${ENDED + 100}` }, 1],
    ['what none has', { text: 'xyzzy' }, 0],
    ['a text with signs of a pattern', { text: 'boiler%_' }, 0],
    ['what failed', { text: 'write', status: 'failed' }, LIMIT],
    ['what one person requested', { user: 'bob' }, LIMIT],
    ['what one person requested in such words', { user: 'ada', text: 'boiler' }, 10],
    ['the error of some', { error: 'NO_ROOM', status: 'failed' }, LIMIT],
    ['the error of none', { error: 'full disk', status: 'failed' }, 0],
    ['what names a target', { target: 'shop', status: 'failed' }, LIMIT],
    ['what names no such target', { target: 'shop2', text: 'boiler 39', status: 'failed' }, 0],
    ['what none of this method has', { text: 'boiler', method: 'cached' }, 0],
  ] as const)('is searched by an index: %s', async (_, filter, found) => {
    const [page, touched] = await touchedBy(() => listExecutions(counted.db, 'local', { ...filter, limit: LIMIT }))
    expect(page.executions).toHaveLength(found)
    expect(page.next_cursor === null).toBe(found < LIMIT)
    expect(touched).toBeLessThanOrEqual(20_000)
  })

  it.each([`ite line ${ENDED + 10}`, `line ${ENDED + 100}`, 'at the boiler 3', 'k at the boiler'])(
    'is searched for common words together with parts of rare ones: %s',
    async (text) => {
      const { executions } = await listExecutions(db, 'local', { text, limit: LIMIT })
      const { rows } = await db.pool.query(
        `select execution_id from executions where tenant = 'local' and position($1 in lower(request->>'task')) > 0
          order by execution_id desc limit $2`,
        [text, LIMIT],
      )
      expect(executions).not.toEqual([])
      expect(executions.map(({ execution_id: one }) => one)).toEqual(rows.map(({ execution_id: one }) => one))
    },
  )

  it('is searched for the words that are rare in all of it, whatever the newest speak of', async () => {
    const client = await db.pool.connect()
    try {
      await client.query('begin')
      await client.query(
        `insert into orchestrator.ends select (jsonb_populate_record(e, jsonb_build_object('words', 'look at the pump',
           'execution_id', overlay(gen_random_uuid()::text placing 'ffffffff' from 1 for 8)))).*
         from orchestrator.ends e where tenant = 'local' limit 1000`,
      )
      const patterns: unknown[] = []
      const query = async <Row>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> => {
        if (name.startsWith('orchestrator.list_by_words')) patterns.push(values.at(-1))
        return (await client.query(text, [...values])).rows
      }
      await listExecutions({ ...db, query }, 'local', { text: `write line ${2 * ENDED - 100}`, limit: LIMIT })
      expect(patterns).toEqual([expect.not.stringContaining('line')])
    } finally {
      await client.query('rollback')
      client.release()
    }
  })

  it('is searched page by page for a text that no index helps with', async () => {
    const seen: string[] = []
    let cursor: Filter['cursor']
    for (;;) {
      const of = { text: 'r 3', limit: LIMIT, cursor }
      const [page, touched] = await touchedBy(() => listExecutions(counted.db, 'local', of))
      expect(touched).toBeLessThanOrEqual(20_000)
      seen.push(...page.executions.map(({ task }) => task))
      if (page.next_cursor === null) break
      cursor = page.next_cursor
    }
    expect(seen).toHaveLength(9)
  })

  it('is walked to its end by pages, each execution once', async () => {
    const seen = new Set<string>()
    let cursor: Filter['cursor']
    do {
      const page = await listExecutions(db, 'local', { limit: 500, cursor })
      for (const { execution_id: one } of page.executions) seen.add(one)
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(seen.size).toBe(ENDED)
  })

  it.each([
    ['statistics', () => readStatistics(counted.db, 'local'), 200],
    [
      'statistics since a time',
      () => readStatistics(counted.db, 'local', new Date(NOW - 86_400_000).toISOString()),
      6_000,
    ],
    ['the newest change of a person', () => findLastChange(counted.db, caller), 10 * OPEN],
    ['what has not ended', () => readStatuses(counted.db, caller, { since: new Date(NOW).toISOString() }), 30 * OPEN],
    [
      'what is steered',
      () => selectExecutions(counted.db, caller, ['failed'], { template: 'rare', limit: LIMIT }),
      40 * LIMIT,
    ],
    ['tasks', () => readTasks(counted.db, 'local', { open: false, limit: LIMIT }), 3_000],
    ['open tasks', () => readTasks(counted.db, 'local', { open: true, limit: LIMIT }), 40 * LIMIT],
    ['failed tasks', () => readTasks(counted.db, 'local', { open: false, status: 'failed', limit: LIMIT }), 3_000],
    [
      'skipped tasks',
      () => readTasks(counted.db, 'local', { open: false, status: 'skipped', limit: LIMIT }),
      40 * LIMIT,
    ],
    ['what is due', () => claimDue(counted.db, LIMIT), 40 * LIMIT],
  ])('costs the same however long it is: %s', async (_, work, most) => {
    const [, touched] = await touchedBy<unknown>(work)
    expect(touched).toBeGreaterThan(0)
    expect(touched).toBeLessThanOrEqual(most)
  })
})
