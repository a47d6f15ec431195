/** A long history, by SQL: copies of what one execution left in the tables, with other ids, times, words and ends. */
import { countEnds, insertEnds } from '@deed/orchestrator/store/ends'
import { addHeldChanges } from '@deed/orchestrator/store/held-counts'
import type { Client } from 'pg'

/** The time between two executions of the history: a million of them take a month. */
const EVERY_MS = 2_600
const BATCH = 20_000

/** What a copy has of its own, by table, where `n` is its number and `at` its time. */
const TABLES = {
  'orchestrator.executions': `jsonb_build_object('execution_id', x.execution_id, 'idempotency_key', 'seed-' || n,
    'request', jsonb_set(t.request, '{task}', to_jsonb(format('write "report %s" to reports/%s/line-%s.txt', n, n % 1000, n % 977))),
    'status', case when n % 50 = 0 then 'failed' when n % 333 = 0 then 'cancelled' when n % 500 = 0 then 'denied' else 'done' end,
    'method', case when n % 5 = 0 then 'cached' when n % 11 = 0 then 'llm_assisted' else 'autonomous' end,
    'template_used', case when n % 10 = 0 then 'template-' || n % 40 end, 'created_at', x.at, 'updated_at', x.at,
    'finished_at', x.at + n % 2000 * interval '1 ms', 'next_check_at', x.at, 'followed_up', true)`,
  'orchestrator.plans': `jsonb_build_object('execution_id', x.execution_id, 'created_at', x.at)`,
  'orchestrator.desired_state': `jsonb_build_object('execution_id', x.execution_id, 'task_id', x.task_id, 'created_at', x.at)`,
  'orchestrator.actual_state': `jsonb_build_object('execution_id', x.execution_id, 'task_id', x.task_id,
    'actual_status', case when n % 50 = 0 then 'failed' else 'done' end)`,
  'orchestrator.audit_log': `jsonb_build_object('execution_id', x.execution_id, 'at', x.at,
    'task_id', case when t.task_id is not null then x.task_id end)`,
  'executor.actions': `jsonb_build_object('execution_id', x.execution_id, 'task_id', x.task_id,
    'action_id', left(x.task_id::text, 13) || right(md5(n::text)::uuid::text, 23), 'intent_at', x.at, 'observed_at', x.at, 'finished_at', x.at)`,
}

/** What differs of one that waits for a person, besides its ids and its time. */
const OPEN: Partial<Record<keyof typeof TABLES, string>> = {
  'orchestrator.executions': `jsonb_build_object('status', 'waiting', 'finished_at', null, 'followed_up', false,
    'next_check_at', now() + interval '1 day')`,
  'orchestrator.actual_state': `jsonb_build_object('actual_status', 'pending', 'verification', null)`,
}

/**
 * @param like the execution that is copied
 * @param ended how many have ended, before now
 * @param open how many wait for a person, the newest
 * @param before how many there are already
 */
export async function seedHistory(
  database: Client,
  like: string,
  { ended: count, open }: { ended: number; open: number },
  before = 0,
): Promise<void> {
  const ended = before + count
  const all = ended + open
  // The same for all tables: ids begin with their time.
  const { rows } = await database.query<{ now: string }>('select now()::text as now')
  for (let from = before + 1; from <= all; from += BATCH) {
    const to = Math.min(all, from + BATCH - 1)
    for (const [table, own] of Object.entries(TABLES)) {
      const waiting = OPEN[table as keyof typeof TABLES]
      const left = waiting === undefined ? own : `${own} || case when n > ${ended} then ${waiting} else '{}' end`
      if (waiting === undefined && table === 'executor.actions' && from > ended) continue
      const columns = await columnsOf(database, table)
      await database.query(
        `insert into ${table} (${columns.join(', ')})
         select r.${columns.join(', r.')} from ${table} t cross join generate_series($2::bigint, $3::bigint) n
           cross join lateral (select $5::timestamptz - ($4::bigint - n) * interval '${EVERY_MS} ms' as at) m
           cross join lateral (select ${idAt('7000')} as execution_id, ${idAt('7001')} as task_id, m.at) x
           cross join lateral jsonb_populate_record(t, ${left}) r
          where t.execution_id = $1`,
        [like, from, to, all, rows[0]?.now],
      )
    }
    await database.query(
      `set search_path = orchestrator;
       with ended as (${insertEnds(`(select * from executions where followed_up and idempotency_key in (
         select 'seed-' || n from generate_series(${from}, ${to}) n))`)}) ${countEnds('ended', '+')}`,
    )
  }
  await addUp(database)
  await database.query('vacuum analyze')
}

/** What the pass does, over so many that begin to wait in one moment. */
async function addUp(database: Client): Promise<void> {
  const { rows: made } = await database.query(`select where to_regclass('orchestrator.held_changes') is not null`)
  // The tables may be of a release without.
  if (made.length === 0) return
  const query = async <Row>(_: string, text: string, values: readonly unknown[]): Promise<Row[]> =>
    (await database.query(text, [...values])).rows
  while ((await database.query('select from orchestrator.held_changes limit 1')).rows.length > 0)
    await addHeldChanges({ query })
}

/** Without those that PostgreSQL generates. */
async function columnsOf(database: Client, table: string): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select quote_ident(attname) as name from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [table],
  )
  return rows.map(({ name }) => name)
}

const idAt = (kind: string): string =>
  `(lpad(to_hex((extract(epoch from m.at) * 1000)::bigint), 12, '0') || '${kind}8000' || lpad(to_hex(n), 12, '0'))::uuid`
