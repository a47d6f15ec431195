import type { Handler } from '@deed/mesh/bus'
import type { forgetActions as contract } from '@deed/proto/action'
import type { Store } from '@deed/store/database'

/** What `dispatch` still has is under way, and is not forgotten. */
export function forgetActions({ store }: { store: Store<unknown> }): Handler<typeof contract> {
  return async ({ execution_ids: ids }) => {
    const [row] = await store.query<{ actions: number }>(
      'executor.forget',
      `with gone as (
         delete from actions a where execution_id = any($1::uuid[])
           and not exists (select from orchestrator.dispatch d where d.task_id = a.task_id)
         returning tenant, action_id
       ), attempted as (
         delete from attempts t using gone where t.tenant = gone.tenant and t.action_id = gone.action_id
       ), observed as (
         delete from observations o using gone where o.tenant = gone.tenant and o.action_id = gone.action_id
       )
       select count(*)::int as actions from gone`,
      [ids],
    )
    return { actions: row?.actions ?? 0 }
  }
}
