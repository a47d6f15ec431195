/** The calls to models: written before a model is asked, so that none is forgotten, and kept with their answers. */
import type { Solution } from '@deed/proto/agent'
import type { ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
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
  readonly tokens: number
}

/** In their order. */
export async function callsOfTask(db: Database, tenant: string, taskId: TaskId): Promise<EarlierCall[]> {
  return db.query<EarlierCall>(
    'calls_of_task',
    `select call_number as "number", token::int, question_hash as "questionHash", model, solution,
            prompt_tokens + answer_tokens as tokens
     from model_calls where tenant = $1 and task_id = $2 order by call_number`,
    [tenant, taskId],
  )
}

/** @returns false where another process has made a call of this number: then it is the one that solves the task */
export async function beginCall(
  db: Database,
  id: CallId,
  call: { executionId: ExecutionId; token: FencingToken; questionHash: string; model: string },
): Promise<boolean> {
  const rows = await db.query(
    'begin_call',
    `insert into model_calls (tenant, task_id, call_number, execution_id, token, question_hash, model, status)
     values ($1, $2, $3, $4, $5, $6, $7, 'asked')
     on conflict do nothing returning call_number`,
    [id.tenant, id.taskId, id.number, call.executionId, call.token, call.questionHash, call.model],
  )
  return rows.length > 0
}

export type CallOutcome = (
  | { readonly status: 'solved'; readonly solution: Solution }
  | { readonly status: 'refused' | 'failed'; readonly problem: string }
) & { readonly promptTokens: number; readonly answerTokens: number; readonly durationMs: number }

export async function endCall(db: Database, id: CallId, outcome: CallOutcome): Promise<void> {
  const solution = outcome.status === 'solved' ? JSON.stringify(outcome.solution) : null
  const problem = outcome.status === 'solved' ? null : outcome.problem
  await db.query(
    'end_call',
    `update model_calls
     set status = $4, solution = $5, problem = $6, prompt_tokens = $7, answer_tokens = $8, duration_ms = $9
     where tenant = $1 and task_id = $2 and call_number = $3`,
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
    ],
  )
}
