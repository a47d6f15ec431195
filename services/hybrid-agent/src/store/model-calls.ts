/**
 * Calls to models, stored with their answers before a model is asked. The statement that begins a call reserves its
 * maximum cost in every budget; the one that ends it returns the rest. The cost of a call whose process died is
 * unknown, so the reservation stays.
 */
import type { Solution } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
import type { ModelCategory } from '@deed/proto/model'
import type { Store } from '@deed/store/database'

type Database = Pick<Store<unknown>, 'query'>

export interface CallId {
  readonly tenant: string
  readonly taskId: TaskId
  readonly number: number
}

export interface EarlierCall {
  readonly number: number
  readonly token: number
  readonly questionHash: string
  readonly model: string
  readonly solution: unknown
  /** Why there is none. */
  readonly problem: string | null
  readonly tokens: number
  readonly microusd: number
  readonly costUnknown: boolean
}

/** A spending limit within a scope, as in `day:2026-11-21` or `execution:<id>`. */
export interface Budget {
  readonly scope: string
  readonly microusd: number
}

/** In call order. */
export async function callsOfTask(db: Database, tenant: string, taskId: TaskId): Promise<EarlierCall[]> {
  return db.query<EarlierCall>(
    'calls_of_task',
    `select call_number as "number", token::int, question_hash as "questionHash", model, solution, problem,
            prompt_tokens + answer_tokens as tokens, cost_microusd::float8 as microusd, cost_unknown as "costUnknown"
     from model_calls where tenant = $1 and task_id = $2 order by call_number`,
    [tenant, taskId],
  )
}

/**
 * @returns false if another process has stored a call of this number: that process solves the task
 * @throws {DeedError} budget_exceeded if a budget has less left than the call may cost
 */
export async function beginCall(
  db: Database,
  id: CallId,
  call: {
    executionId: ExecutionId
    token: FencingToken
    questionHash: string
    model: string
    category: ModelCategory
    reservedMicrousd: number
    budgets: readonly Budget[]
  },
): Promise<boolean> {
  // Free calls reserve nothing.
  const budgets = call.reservedMicrousd === 0 ? [] : call.budgets
  try {
    const rows = await db.query(
      'begin_call',
      `with begun as (
         insert into model_calls (tenant, task_id, call_number, execution_id, token, question_hash, model, status,
           reserved_microusd, budget_scopes, category)
         values ($1, $2, $3, $4, $5, $6, $7, 'asked', $8, array(select b.scope from jsonb_to_recordset($9) as b(scope text)),
           $10)
         on conflict do nothing returning call_number
       ), taken as (
         insert into budgets (tenant, scope, limit_microusd, spent_microusd)
         select $1, b.scope, b.microusd, $8 from begun, jsonb_to_recordset($9) as b(scope text, microusd bigint)
          order by b.scope
         on conflict (tenant, scope) do update set updated_at = now(), limit_microusd = excluded.limit_microusd,
           spent_microusd = budgets.spent_microusd + excluded.spent_microusd
       )
       select call_number from begun`,
      [
        id.tenant,
        id.taskId,
        id.number,
        call.executionId,
        call.token,
        call.questionHash,
        call.model,
        call.reservedMicrousd,
        JSON.stringify(budgets),
        call.category,
      ],
    )
    return rows.length > 0
  } catch (error) {
    // The constraint decides, not a check beforehand: the row lock serialises two calls for the last of a budget.
    if (!(error instanceof Error && 'constraint' in error && error.constraint === 'budgets_are_kept')) throw error
    throw new DeedError('budget_exceeded', 'the call may cost more than the remaining budget', { cause: error })
  }
}

export type CallOutcome = (
  | { readonly status: 'solved'; readonly solution: Solution }
  | { readonly status: 'refused' | 'failed'; readonly problem: string }
) & {
  readonly promptTokens: number
  readonly answerTokens: number
  readonly microusd: number
  readonly costUnknown: boolean
  readonly durationMs: number
}

/** No-op for a call that has ended. */
export async function endCall(db: Database, id: CallId, outcome: CallOutcome): Promise<void> {
  const solution = outcome.status === 'solved' ? JSON.stringify(outcome.solution) : null
  const problem = outcome.status === 'solved' ? null : outcome.problem
  await db.query(
    'end_call',
    `with ended as (
       update model_calls
       set status = $4, solution = $5, problem = $6, prompt_tokens = $7, answer_tokens = $8, duration_ms = $9,
           cost_microusd = $10, cost_unknown = $11
       where tenant = $1 and task_id = $2 and call_number = $3 and status = 'asked'
       returning tenant, budget_scopes, reserved_microusd - cost_microusd as microusd
     )
     update budgets b set spent_microusd = b.spent_microusd - ended.microusd, updated_at = now()
       from ended where b.tenant = ended.tenant and b.scope = any(ended.budget_scopes) and ended.microusd > 0`,
    [
      id.tenant,
      id.taskId,
      id.number,
      outcome.status,
      solution,
      problem,
      outcome.promptTokens,
      outcome.answerTokens,
      outcome.durationMs,
      outcome.microusd,
      outcome.costUnknown,
    ],
  )
}
