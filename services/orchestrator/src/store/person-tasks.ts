/** Reads people's tasks; they are written with the transitions. */
import { Action } from '@deed/proto/action'
import { DECISION_TASK } from '@deed/proto/decision-task'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import type { PersonTask } from '@deed/proto/person'
import { isoTime } from '../execution/iso-time.ts'
import { askedOf, choiceOf, decisionsFor, expiryOf, openQuestion, reviewOf } from '../execution/person-task.ts'
import type { TaskRow } from '../execution/snapshot.ts'
import { conditionsOf } from './conditions.ts'
import type { Database } from './schema.ts'

interface Row {
  task: TaskRow
  words: string
  user_name: string
  about: TaskRow | null
}

// The time by itself, since the comparison with a row that is selected cannot use the index.
const AFTER = `(d.created_at, d.task_id) <
  ((select c.created_at from desired_state c where c.task_id = $6::uuid and c.tenant = $1), $6::uuid)`

/** Newest first. Tasks that are not open yet, since the steps before them are not done, are hidden. */
export async function readPersonTasks(
  db: Database,
  { tenant }: Principal,
  by: {
    kind?: 'approve' | PersonTask['kind'] | undefined
    openOnly: boolean
    approvalId?: ApprovalId | undefined
    executionId?: ExecutionId | undefined
    limit: number
    /** The list continues after this one. */
    after?: ApprovalId | undefined
  },
): Promise<PersonTask[]> {
  const { name, where } = conditionsOf([
    ['one', by.approvalId !== undefined, 'd.task_id = $3::uuid', '$3::uuid is null'],
    ['of', by.executionId !== undefined, 'd.execution_id = $4::uuid', '$4::uuid is null'],
    // A task that a person does instead of an action is of the kind that the action would be.
    ['kind', by.kind !== undefined, 'd.task_kind = $2', '$2::text is null'],
    ['open', by.openOnly, `a.actual_status = 'pending'`],
    ['after', by.after !== undefined, AFTER, '$6::uuid is null'],
  ])
  const rows = await db.query<Row>(
    `orchestrator.person_tasks${name}`,
    `select to_jsonb(d) || to_jsonb(a) as task, e.request->>'task' as words, e.user_name, (
         select to_jsonb(od) || to_jsonb(oa) from desired_state od join actual_state oa using (task_id)
          where od.execution_id = d.execution_id and d.task_kind = 'review' and od.task_id::text = d.spec->>'about'
       ) as about
       from desired_state d join actual_state a using (task_id) join executions e on e.execution_id = d.execution_id
      where d.tenant = $1 and d.capability = 'human' and d.task_kind <> 'approve' and a.started_at is not null
        and d.spec->>'kind' is distinct from '${DECISION_TASK}' and ${where}
      order by d.created_at desc, d.task_id desc limit $5`,
    [
      tenant,
      by.kind === 'provide' ? 'act' : (by.kind ?? null),
      by.approvalId ?? null,
      by.executionId ?? null,
      // One more than requested, to know whether there are more.
      by.limit + 1,
      by.after ?? null,
    ],
  )
  return rows.map(viewOf)
}

function viewOf({ task, words, user_name, about }: Row): PersonTask {
  const review = reviewOf(task)
  const asked = askedOf(task)
  const choice = choiceOf(task)
  const expiry = expiryOf(task)
  return {
    approval_id: String(task.task_id) as ApprovalId,
    execution_id: task.execution_id,
    kind: choice ? 'choose' : review ? 'review' : 'provide',
    task: words,
    name: task.name,
    title: asked?.ask ?? task.title,
    details: asked?.details ?? null,
    status: task.actual_status,
    decisions: task.actual_status === 'pending' ? [...decisionsFor(task)] : [],
    requested_by: user_name,
    asked_at: new Date(task.started_at ?? 0).toISOString(),
    expires_at: expiry === undefined ? null : isoTime(expiry),
    cause: review?.cause ?? null,
    about: about && {
      task_id: about.task_id,
      name: about.name,
      title: about.title,
      status: about.actual_status,
      level: about.level,
      failures: about.failure_count,
      error: about.last_error,
      action: about.task_kind === 'act' ? Action.parse(about.spec) : null,
    },
    question: choice ? openQuestion(choice.question) : null,
    evidence: task.verification,
    result: task.result,
  }
}
