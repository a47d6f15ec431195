/**
 * Whether the executor's ledger agrees with a report. It is asked in the statement that applies the report, by a view of
 * the executor's, so that a process with the executor's NATS user and without its database can report nothing.
 *
 * The ledger may have the outcome a moment after the report, which is sent side by side with it. So the key of the
 * attempt, which is in the ledger since the attempt began, is what proves a report; and an outcome that is there must be
 * the same one.
 */
import { actionIdOf } from '@deed/worker/action-id'
import type { Claim, Draft } from '../execution/draft.ts'
import type { Input } from '../reconcile/input.ts'

/** @returns `undefined` of a solution, which claims no effect: what it proposes is judged by policy */
export function claimOf(input: Input, { execution }: Pick<Draft, 'execution'>): Claim | undefined {
  const report = input.type === 'reported' || input.type === 'replanned' ? input.report : undefined
  if (!report || report.intent === 'solve') return undefined
  const { task_id, token, worker_id, intent, outcome, attempt_key } = report
  return { tenant: execution.tenant, action_id: actionIdOf(task_id), token, worker_id, intent, outcome, attempt_key }
}

/** Only a failure may come of an attempt that the ledger does not have: it ended before it began. */
export const CONTRADICTED = `contradicted as (
  select c.execution_id from jsonb_to_recordset($1::jsonb->'claims') as c(
    execution_id uuid, tenant text, action_id uuid, token bigint, intent text, outcome text, attempt_key uuid)
  left join executor.current_attempts a on a.tenant = c.tenant and a.action_id = c.action_id and a.token = c.token
  where not case when a.action_id is null then c.outcome = 'failed' and c.attempt_key is null
    else a.intent = c.intent and a.attempt_key is not distinct from c.attempt_key
      and coalesce(a.outcome = c.outcome, true) end
)`
