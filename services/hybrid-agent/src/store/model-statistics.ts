/** What models were asked, summed up by day, and the calls of one execution. */
import type { ExecutionId } from '@deed/proto/ids'
import type { listModelCalls as callsContract, ModelCall, ModelStats } from '@deed/proto/model'
import type { Store } from '@deed/store/database'
import type { z } from 'zod'
import { DEPARTMENT } from './department-budgets.ts'

type Database = Pick<Store<unknown>, 'query'>

const MICROUSD = 1_000_000
/** Models are named in the configuration, so there are few. */
const ROWS_MAX = 2_000
/** Of the text that says why a call brought no solution. */
const PROBLEM_CHARS_MAX = 1_000

type Day = ModelStats['days'][number]
type DayRow = Omit<Day, 'by_status' | 'cost_usd'> & { by_status: Partial<Day['by_status']>; microusd: number }

/** @param days up to today */
export async function readModelDays(db: Database, tenant: string, days: number): Promise<ModelStats['days']> {
  const rows = await db.query<DayRow>(
    'model_days',
    `with calls as (
       select to_char(asked_at at time zone 'utc', 'YYYY-MM-DD') as day, * from model_calls
        where tenant = $1 and asked_at >= date_trunc('day', now(), 'UTC') - make_interval(days => $2::int - 1)
     ), statuses as (
       select day, model, jsonb_object_agg(status, n) as by_status
         from (select day, model, status, count(*)::int as n from calls group by 1, 2, 3) s group by 1, 2
     )
     select s.by_status, c.* from (
       select day, model, count(*)::int as calls, sum(prompt_tokens)::float8 as prompt_tokens,
              sum(answer_tokens)::float8 as answer_tokens, sum(cost_microusd)::float8 as microusd,
              (count(*) filter (where cost_unknown))::int as cost_unknown, avg(duration_ms) as average_ms,
              percentile_cont(0.95) within group (order by duration_ms) as p95_ms
         from calls group by 1, 2) c join statuses s using (day, model)
      order by c.day desc, c.model limit ${ROWS_MAX}`,
    [tenant, days],
  )
  return rows.map(({ microusd, by_status, ...row }) => ({
    ...row,
    by_status: { asked: 0, solved: 0, refused: 0, failed: 0, ...by_status },
    cost_usd: microusd / MICROUSD,
  }))
}

/** @returns what the day's budget has been charged, and its day by the database's clock */
export async function readToday(db: Database, tenant: string): Promise<{ day: string; spent_usd: number }> {
  const [row] = await db.query<{ day: string; microusd: number }>(
    'model_today',
    `select d.day, coalesce(
         (select spent_microusd from budgets where tenant = $1 and scope = 'day:' || d.day),
         (select sum(greatest(cost_microusd, case status when 'asked' then reserved_microusd else 0 end)) from model_calls
           where tenant = $1 and asked_at >= date_trunc('day', now(), 'UTC')), 0)::float8 as microusd
       from (select to_char(now() at time zone 'utc', 'YYYY-MM-DD') as day) d`,
    [tenant],
  )
  if (!row) throw new Error('PostgreSQL returned no row for a select without a table')
  return { day: row.day, spent_usd: row.microusd / MICROUSD }
}

/** @returns what was charged to the money of departments, by name: of what was allocated, since it was */
export async function readDepartments(db: Database, tenant: string): Promise<ModelStats['departments']> {
  const rows = await db.query<{ department: string; microusd: number }>(
    'model_departments',
    `select substr(scope, ${DEPARTMENT.length + 1}) as department, spent_microusd::float8 as microusd
       from budgets where tenant = $1 and scope like '${DEPARTMENT}%' order by scope`,
    [tenant],
  )
  return rows.map(({ department, microusd }) => ({ department, spent_usd: microusd / MICROUSD }))
}

/** One more than `limit` if there are more. */
export async function readCalls(
  db: Database,
  tenant: string,
  { execution_id, limit, cursor }: z.output<typeof callsContract.input> & { execution_id: ExecutionId },
): Promise<ModelCall[]> {
  const rows = await db.query<Omit<ModelCall, 'asked_at' | 'cost_usd'> & { asked_at: Date; microusd: number }>(
    'calls_of_execution',
    `select task_id, call_number as number, model, status, left(problem, ${PROBLEM_CHARS_MAX}) as problem, prompt_tokens,
            answer_tokens, cost_microusd::float8 as microusd, cost_unknown, asked_at, duration_ms
       from model_calls
      where tenant = $1 and execution_id = $2 and ($3::uuid is null or (task_id, call_number) > ($3, $4))
      order by task_id, call_number limit $5`,
    [tenant, execution_id, cursor?.task_id ?? null, cursor?.number ?? 0, limit + 1],
  )
  return rows.map(({ microusd, asked_at: asked, ...row }) => ({
    ...row,
    cost_usd: microusd / MICROUSD,
    asked_at: asked.toISOString(),
  }))
}
