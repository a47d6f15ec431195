/** Sums over the executions that wait for a person. */
import { PERIODS } from './migrations/001-executions.ts'
import type { Database } from './schema.ts'

/** Of the changes that are noted, so many are added to the sums in one statement. */
const CHANGES_MAX = 2_000

/** What the row `o` counts for while it is open, as `measure` and `value`: one of `held_changes`, or a sum of such rows. */
export const OPEN_MEASURES = `(values ('running', o.n::bigint), ('status:' || o.status, o.n), ('method:' || o.method, o.n),
  ('template:' || o.template_used, o.n), ('tokens', o.tokens), ('cost_microusd', o.cost_microusd)) as m(measure, value)`

/**
 * Adds noted changes to the sums. Does not wait for the disk: a change that is lost there is noted still. Two replicas add
 * different ones.
 */
export async function addHeldChanges(db: Pick<Database, 'query'>): Promise<void> {
  await db.query('orchestrator.add_held_changes', ADD, [CHANGES_MAX])
}

const ADD = `
with relaxed as (select set_config('synchronous_commit', 'off', true)),
added as (
  delete from held_changes c using relaxed, (
    select change_id from held_changes order by change_id limit $1 for update skip locked) t
   where c.change_id = t.change_id returning c.*)
insert into held_counts as c (period, tenant, start, measure, value)
select p.period, a.tenant, date_trunc(p.period, a.minute, 'UTC'), a.measure, sum(a.value)::bigint
  from (select o.tenant, date_trunc('minute', o.start, 'UTC') as minute, m.measure, sum(m.value) as value
          from added o cross join lateral ${OPEN_MEASURES}
         where m.measure is not null group by 1, 2, 3 having sum(m.value) <> 0) a
 cross join unnest(array['${PERIODS.join(`', '`)}']) as p(period)
 group by 1, 2, 3, 4
 -- Two statements that count the same wait for one another, and never in a circle.
 order by 1, 2, 3, 4
on conflict (period, tenant, start, measure) do update set value = c.value + excluded.value`
