/** What must hold in the tables after every fault, once it is quiet again: looked at from outside, by SQL alone. */
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import { until } from '@deed/process/until'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { Pool } from 'pg'

const QUIET_MS_MAX = 60_000

/** Waits until every execution has ended and the follow-up of its end is marked. @throws naming those that have not */
export async function untilQuiet(database: Pool): Promise<void> {
  await until(
    async () => {
      const { rows } = await database.query(
        `select e.execution_id, e.status, e.followed_up,
           (select jsonb_agg(jsonb_build_object('name', d.name, 'status', a.actual_status, 'token', a.token,
                                                'error', a.last_error))
              from orchestrator.actual_state a join orchestrator.desired_state d using (task_id)
             where a.execution_id = e.execution_id) as tasks
           from orchestrator.executions e
          where not followed_up or status <> all($1)`,
        [[...FINAL_EXECUTION_STATUSES]],
      )
      if (rows.length > 0) throw new Error(`not followed up: ${JSON.stringify(rows.slice(0, 3))}`)
      return true
    },
    { timeoutMs: QUIET_MS_MAX, what: 'the end of every execution' },
  )
}

/** @throws where one of the promises that hold for every history was broken */
export async function checkInvariants(database: Pool): Promise<void> {
  await untilQuiet(database)
  await checkAtAnyTime(database)
  await findNothing(database, NEVER)
  await checkChains(database)
}

/** @throws where one of the promises that hold at every moment, whatever is under way, is broken */
export const checkAtAnyTime = (database: Pool): Promise<void> => findNothing(database, NOT_FOR_A_MOMENT)

async function findNothing(database: Pool, queries: Record<string, string>): Promise<void> {
  for (const [broken, query] of Object.entries(queries)) {
    const { rows } = await database.query(query)
    if (rows.length > 0) throw new Error(`${broken}: ${JSON.stringify(rows.slice(0, 3))}`)
  }
}

const OPEN_REVIEWS = `
  select d.execution_id, d.spec ->> 'about' as about, d.spec ->> 'cause' as cause
    from orchestrator.desired_state d join orchestrator.actual_state a using (task_id)
   where d.task_kind = 'review' and a.actual_status = 'pending'`

/** Each query finds nothing. */
const NOT_FOR_A_MOMENT: Record<string, string> = {
  'what waits for a person is not what lists read': `
    select execution_id, e.status, h.status as listed
      from (select * from orchestrator.executions where held) e full join orchestrator.held_executions h using (execution_id)
     where (e.tenant, e.status, e.method, e.template_used, e.tokens_used, e.cost_microusd)
       is distinct from (h.tenant, h.status, h.method, h.template_used, h.tokens, h.cost_microusd)`,
  'statistics count what waits for a person twice, or not at all': `
    select tenant, measure, held, counted from (
        select tenant, 'status:' || status as measure, count(*) as held from orchestrator.held_executions group by 1, 2) h
      full join (
        select tenant, measure, sum(value) as counted from (
          select tenant, measure, value from orchestrator.held_counts where period = 'month' and measure like 'status:%'
          union all select tenant, 'status:' || status, n from orchestrator.held_changes) c group by 1, 2) c using (tenant, measure)
     where coalesce(held, 0) <> coalesce(counted, 0)`,
  'a blocked task has not exactly one open review': `
    select a.task_id, count(r.about) as reviews from orchestrator.actual_state a
      left join (${OPEN_REVIEWS}) r on r.execution_id = a.execution_id and r.about = a.task_id::text
     where a.actual_status = 'blocked' group by a.task_id having count(r.about) <> 1`,
  'a person is asked twice at once about one thing': `
    select execution_id, about, cause from (${OPEN_REVIEWS}) r group by 1, 2, 3 having count(*) > 1`,
  'something is planned while it is still asked what the words mean': `
    select d.execution_id, d.name, other.name as planned
      from orchestrator.desired_state d join orchestrator.actual_state a using (task_id)
      join orchestrator.desired_state other on other.execution_id = d.execution_id and other.task_kind <> 'choose'
     where d.task_kind = 'choose' and a.actual_status = 'pending'`,
}

/** Each query finds nothing, once it is quiet. */
const NEVER: Record<string, string> = {
  'a task is done without evidence of its own': `
    select task_id, verification from orchestrator.actual_state
     where actual_status = 'done' and (verification ->> 'kind' is null
       or (task_kind = 'act' and verification ->> 'outcome' is distinct from 'verified'
         and (verification ->> 'kind' <> 'unconfirmed' or effect <> 'none')))`,
  'a task is done that the ledger does not know': `
    select a.task_id from orchestrator.actual_state a
      left join executor.actions l on l.task_id = a.task_id
     where a.actual_status = 'done' and a.task_kind = 'act' and l.action_id is null`,
  'a task has several actions in the ledger': `
    select task_id, count(*) from executor.actions group by task_id having count(*) > 1`,
  'the ledger has a token that was never granted': `
    select l.task_id, l.token, a.token as granted from executor.actions l
      join orchestrator.actual_state a using (task_id) where l.token > a.token`,
  // Of the attempt that reached the outcome: a later one may have found it in the ledger, and reported it again.
  'lists know another end than the execution has, or one that it does not have': `
    select execution_id, e.status, e.followed_up, n.status as listed
      from orchestrator.executions e full join orchestrator.ends n using (execution_id)
     where coalesce(e.followed_up, false) <> (n.execution_id is not null) or n.status <> e.status`,
  'statistics count an end twice, or not at all': `
    select tenant, measure, ended, counted from (
        select tenant, 'status:' || status as measure, count(*) as ended from orchestrator.ends group by 1, 2) e
      full join (
        select tenant, measure, sum(value) as counted from orchestrator.counts
         where period = 'month' and measure like 'status:%' group by 1, 2) c using (tenant, measure)
     where coalesce(ended, 0) <> coalesce(counted, 0)`,
  'evidence is older than the intent it is evidence of': `
    select a.task_id from orchestrator.actual_state a join executor.actions l using (task_id)
      left join executor.attempts t on t.tenant = l.tenant and t.action_id = l.action_id and t.token = l.outcome_token
     where a.actual_status = 'done' and l.intent = 'do'
       and coalesce((a.verification ->> 'already_so')::boolean, false) = false
       and (a.verification ->> 'observed_at')::timestamptz < coalesce(t.intent_at, l.intent_at) - interval '1 second'`,
  'an execution is done without evidence': `
    select execution_id from orchestrator.executions e
     where status = 'done' and cited is null and not exists (
       select from orchestrator.actual_state a where a.execution_id = e.execution_id and a.actual_status = 'done')`,
  'an execution has ended with work still open': `
    select e.execution_id, e.status, d.name, a.actual_status from orchestrator.executions e
      join orchestrator.actual_state a using (execution_id) join orchestrator.desired_state d using (task_id)
     where d.capability <> 'human' and a.actual_status in ('pending', 'in_progress')`,
  // A task that is tried again waits for another agreement than the one that its effect was had under: the lease tells which.
  'an effect was had that nobody had agreed to': `
    select d.task_id, d.level, leased.data from orchestrator.desired_state d join executor.actions l using (task_id)
      left join lateral (
        select data from orchestrator.audit_log
         where execution_id = d.execution_id and task_id = d.task_id and type = 'task.leased'
           and (data ->> 'token')::bigint <= coalesce(l.outcome_token, l.token)
         order by seq desc limit 1) leased on true
     where d.level > 0 and l.effect is distinct from 'none' and not exists (
       select from orchestrator.approvals p
        where p.approval_id = (leased.data ->> 'approval_id')::uuid and p.status = 'used' and p.decided_by is not null
          and p.consumed_at < p.expires_at
          and case when p.approval_id = d.approval_id
            then p.level >= d.level and p.sealed ->> d.task_id::text = d.action_hash
            else p.sealed ->> d.task_id::text = l.action_hash or l.intent = 'undo' and p.sealed ? d.task_id::text end)`,
  'an agreement was good for another effect after its own was undone': `
    select again.task_id, again.seq, again.data ->> 'approval_id' as approval from orchestrator.audit_log again
      join orchestrator.audit_log undone on undone.execution_id = again.execution_id
        and undone.task_id = again.task_id and undone.type = 'task.undone' and undone.seq < again.seq
      join orchestrator.audit_log used on used.execution_id = again.execution_id and used.type = 'approval.used'
        and used.data ->> 'approval_id' = again.data ->> 'approval_id' and used.seq < undone.seq
     where again.type = 'task.leased'`,
  'an agreement was decided or used twice': `
    select data ->> 'approval_id' as approval, type from orchestrator.audit_log
     where type = 'approval.used' or (type = 'approval.decided' and data ->> 'decision' <> 'expired'
       and data ->> 'grant_id' is null)
     group by 1, 2 having count(*) > 1`,
  'a question about words was answered twice': `
    select task_id from orchestrator.audit_log
     where type = 'person.decided' and data ->> 'decision' = 'choose' group by task_id having count(*) > 1`,
  'a change whose words no rule knows as they are was had without an approval': `
    select d.task_id, d.spec -> 'reading' as reading from orchestrator.desired_state d
      join executor.actions l using (task_id)
     where d.spec ? 'reading' and d.level = 0 and l.effect is distinct from 'none'`,
  'a key has several executions': `
    select tenant, idempotency_key from orchestrator.executions where idempotency_key is not null
     group by 1, 2 having count(*) > 1`,
  'somebody has not been answered': `
    select w.execution_id from orchestrator.waiters w join orchestrator.executions e using (execution_id)
     where e.followed_up`,
  'a token was granted twice, or out of order': `
    select task_id, token, before from (
      select task_id, (data ->> 'token')::int as token,
        lag((data ->> 'token')::int, 1, 0) over (partition by task_id order by seq) as before
        from orchestrator.audit_log where type in ('task.leased', 'task.undoing')) g
     where token <> before + 1`,
  'a lease was granted while another one lived': `
    select task_id, seq from (
      select task_id, seq, type, at, lag(type) over w as before, lag(at) over w as since
        from orchestrator.audit_log
       where type in ('task.leased', 'task.undoing', 'task.done', 'task.failed', 'task.retried', 'task.blocked',
                      'task.cancelled', 'task.undone', 'task.replanned')
      window w as (partition by task_id order by seq)) g
     where type in ('task.leased', 'task.undoing') and before in ('task.leased', 'task.undoing')
       and at < since + interval '2900 milliseconds'`,
  'a task began before one that it depends on was done': `
    select l.task_id, l.at from orchestrator.audit_log l
      join orchestrator.desired_state d using (task_id), unnest(d.dependencies) as wanted
     where l.type = 'task.leased'
       -- A task that is planned again waits for agreements from then on.
       and not exists (select from orchestrator.approvals p where p.task_id = wanted and p.created_at > l.at)
       and not exists (
       select from orchestrator.audit_log done
        where done.execution_id = l.execution_id and done.seq < l.seq and done.task_id = wanted
          and done.type in ('task.done', 'task.skipped', 'approval.decided'))`,
}

/** Recomputes every hash from the one before, and compares the last one with the head. */
async function checkChains(database: Pool): Promise<void> {
  const { rows } = await database.query<{
    execution_id: string
    audit_seq: number
    audit_hash: string
    log: { seq: number; type: string; at: string; task_id: string | null; data: unknown; hash: string }[]
  }>(
    `select e.execution_id, e.audit_seq, e.audit_hash, jsonb_agg(jsonb_build_object('seq', l.seq, 'type', l.type,
        'at', l.at, 'task_id', l.task_id, 'data', l.data, 'hash', l.hash) order by l.seq) as log
       from orchestrator.executions e left join orchestrator.audit_log l using (execution_id)
      group by e.execution_id, e.audit_seq, e.audit_hash`,
  )
  for (const { execution_id, audit_seq, audit_hash, log } of rows) {
    let hash = ''
    for (const [index, { seq, type, at, task_id, data, hash: kept }] of log.entries()) {
      const row = { execution_id, seq, type, at: new Date(at).toISOString(), task_id, data }
      hash = sha256(hash + canonicalJson(row))
      if (seq !== index + 1 || hash !== kept) {
        throw new Error(`the audit log of ${execution_id} is broken at ${index + 1}: ${JSON.stringify(row)}`)
      }
    }
    if (audit_seq !== log.length || audit_hash !== hash)
      throw new Error(`the audit log of ${execution_id} lacks its end`)
  }
}
