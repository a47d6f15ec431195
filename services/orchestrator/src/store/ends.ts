/** How executions ended, as lists and statistics read it; and the sums over it. */
import type { Counted } from '@deed/proto/execution'
import { Method } from '@deed/proto/states'
import { PERIODS } from './migrations/001-executions.ts'

/** The words of a task that a search for text reads. */
const WORDS_CHARS_MAX = 4_096
/** In place of a method that an execution does not have. */
export const NO_METHOD = 'none'
export const METHODS = [...Method.options, NO_METHOD]
/** Buckets of durations: each is about 4 % wider than the one before. */
export const BUCKETS_PER_E = 25

/** The words of the execution `e`, in which text is found. */
export const WORDS = `lower(left(e.request->>'task', ${WORDS_CHARS_MAX}))`

const COLUMNS = `tenant, execution_id, user_name, status, method, template_used, words, created_at, ended_at, ms, success,
  cache_hit, false_success, duplicate_effect, tokens, cost_microusd, acts, acts_verified, changed`

/** Of the execution `e`: it is done, although an action of it is not; what `truthOf` says of a snapshot. */
const FALSE_SUCCESS = `e.status = 'done' and exists (
  select from actual_state a
   where a.execution_id = e.execution_id and a.task_kind = 'act' and a.actual_status <> 'skipped'
     and not (a.actual_status = 'done' and (a.verification->>'outcome' is not distinct from 'verified'
       or (a.verification->>'kind' is not distinct from 'unconfirmed' and a.effect = 'none')))
     and exists (select from desired_state d
       where d.task_id = a.task_id and d.desired_status = 'done' and d.spec is not null))`

/** Which executions are counted: as a condition on the row `e` of `executions` or, once they are marked, of `ends`. */
export const COUNTED_ROWS: Record<Counted, { execution: string; end: string }> = {
  open: { execution: 'e.finished_at is null', end: 'false' },
  verified: ended(`e.status = 'done' and e.task_verified`, 'e.success'),
  unverified: ended(`e.status = 'done' and not e.task_verified`, `e.status = 'done' and not e.success`),
  false_success: ended(FALSE_SUCCESS, 'e.false_success'),
  duplicate_effect: ended('e.duplicate_effects > 0', 'e.duplicate_effect'),
  rollback_failed: ended(`e.status = 'rollback_failed'`),
  cache_hit: ended('e.cache_hit'),
}

function ended(execution: string, end = execution): { execution: string; end: string } {
  return { execution: `e.finished_at is not null and ${execution}`, end }
}

/**
 * @param executions a relation with the rows of executions that have ended
 * @returns a select of their rows in `ends`
 */
export const endsOf = (executions: string): string => `
select e.tenant, e.execution_id, e.user_name, e.status, coalesce(e.method, '${NO_METHOD}') as method, e.template_used,
  ${WORDS} as words, e.created_at, e.finished_at as ended_at,
  greatest(0, extract(epoch from e.finished_at - e.created_at) * 1000)::bigint as ms,
  e.status = 'done' and e.task_verified as success, e.cache_hit,
  ${FALSE_SUCCESS} as false_success, e.duplicate_effects > 0 as duplicate_effect, e.tokens_used as tokens, e.cost_microusd,
  a.acts, a.acts_verified, a.changed
  from ${executions} e cross join lateral (
    select (count(*) filter (where act))::int as acts,
           (count(*) filter (where act and verification->>'outcome' is not distinct from 'verified'))::int as acts_verified,
           coalesce(bool_or(effect <> 'none'), false) as changed
      from (select effect, verification, task_kind = 'act' and actual_status = 'done'
                     and verification->>'kind' is distinct from 'unconfirmed' as act
              from actual_state where execution_id = e.execution_id offset 0) t) a`

/** @param executions a relation with the rows of executions that have ended and have no row in `ends` */
export const insertEnds = (executions: string): string =>
  `insert into ends (${COLUMNS}) ${endsOf(executions)} on conflict do nothing returning *`

/** What the row `e` of `ends` counts for, as `measure` and `value`. */
export const MEASURES = `(values ('status:' || e.status, 1::bigint), ('method:' || nullif(e.method, '${NO_METHOD}'), 1),
  ('template:' || e.template_used, 1), ('duration:' || ceil(ln(e.ms + 1) * ${BUCKETS_PER_E})::int, 1), ('ms', e.ms),
  ('success', e.success::int), ('cache_hit', e.cache_hit::int), ('tokens', e.tokens), ('cost_microusd', e.cost_microusd),
  ('cost:' || e.method, e.cost_microusd), ('false_success', e.false_success::int),
  ('duplicate_effect', e.duplicate_effect::int), ('unverified', (e.status = 'done' and not e.success)::int),
  ('acts', e.acts), ('acts_verified', e.acts_verified)) as m(measure, value)`

/**
 * @param ends a relation with rows of `ends`
 * @returns a statement that counts them, or takes back what they were counted for
 */
export const countEnds = (ends: string, sign: '+' | '-'): string => `
insert into counts as c (period, tenant, start, measure, value)
select p.period, a.tenant, date_trunc(p.period, a.minute, 'UTC'), a.measure, (${sign}sum(a.value))::bigint
  from (select e.tenant, date_trunc('minute', e.created_at, 'UTC') as minute, m.measure, sum(m.value) as value
          from ${ends} e cross join lateral ${MEASURES}
         where m.measure is not null and m.value <> 0 group by 1, 2, 3) a
 cross join unnest(array['${PERIODS.join(`', '`)}']) as p(period)
 group by 1, 2, 3, 4
 -- Two statements that count the same wait for one another, and never in a circle.
 order by 1, 2, 3, 4
on conflict (period, tenant, start, measure) do update set value = c.value + excluded.value`
