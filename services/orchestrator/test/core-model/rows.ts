/** The rows of the model of the core: plans as tasks and approvals, and the reports of workers. */
import { uuidV5 } from '@deed/json/canonical-json'
import type { ErrorBody } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, GrantId, TaskId } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import type { TaskReport } from '@deed/proto/task'
import { isoTime } from '../../src/execution/iso-time.ts'
import { newExecution } from '../../src/execution/new-execution.ts'
import { newTask } from '../../src/execution/new-task.ts'
import type { ApprovalRow, ExecutionRow, TaskRow, Work } from '../../src/execution/snapshot.ts'
import { before, type Plan, type Verdict } from './history.ts'
import type { Attempt, Model } from './model.ts'

export const START = Date.parse('2026-01-01T00:00:00Z')
export const APPROVAL_MS = 3_600_000
export const PERSON_MS = 1_800_000
export const ID = '01890000-0000-7000-8000-000000000001' as ExecutionId
const GRANT = '01890000-0000-7000-8000-000000000002' as GrantId

export function reportOf({ taskId, token, intent }: Attempt, verdict: Verdict, now: number): TaskReport {
  const proven = verdict === 'done' || verdict === 'already_so'
  const evidence: Evidence = {
    kind: 'observed',
    outcome: 'verified',
    claimed: 'did it',
    observed: 'it is so',
    observed_at: isoTime(now),
  }
  const made = intent !== 'solve' && ['done', 'claimed', 'transient_made', 'failed_made'].includes(verdict)
  return {
    task_id: taskId,
    execution_id: ID,
    token,
    worker_id: 'worker',
    intent,
    outcome: proven || verdict === 'claimed' ? 'done' : 'failed',
    effect: made ? 'made' : 'none',
    ...(proven ? { evidence, result: { text: 'did it' } } : {}),
    ...(verdict.startsWith('transient') ? { error: failure('unavailable', true) } : {}),
    ...(verdict.startsWith('failed') ? { error: failure('effect_failed', false) } : {}),
    tokens_used: 0,
    cost_microusd: 0,
    duration_ms: 1,
  }
}

export const failure = (code: ErrorBody['code'], retryable: boolean): ErrorBody => ({
  code,
  message: 'it would not',
  retryable,
})

export const taskId = (name: string): TaskId => uuidV5(ID, name) as TaskId

export function workOf({ tasks, approvals }: Plan): Work {
  const named = (index: number): string => `task-${index}`
  const ids = approvals.map((_, index) => uuidV5(ID, `approval-${index}`) as ApprovalId)
  // Nothing that an agreement covers comes before what it is asked after.
  const firstCovered = (index: number): number => tasks.findIndex(({ approval }) => approval === index)
  const made = tasks.map(({ kind, wants, approval, onFailure, priority, key }, index) => {
    // What is asked after other tasks comes after them itself.
    const first = approvals[approval ?? -1]?.wants ?? []
    const asks =
      approval === undefined
        ? []
        : [...before(first, firstCovered(approval)).map((want) => taskId(named(want))), taskId(`approve-${approval}`)]
    return newTask(execution(false), {
      ...{
        task_id: taskId(named(index)),
        name: named(index),
        title: named(index),
        position: index,
        priority,
        now: START,
      },
      task_kind: kind === 'solve' || kind === 'choose' ? kind : 'act',
      capability: kind === 'person' || kind === 'choose' ? 'human' : kind,
      dependencies: [...wants.map((want) => taskId(named(want))), ...asks],
      approval_id: approval === undefined ? null : (ids[approval] ?? null),
      level: approval === undefined ? 0 : 1,
      on_failure: onFailure,
      concurrency_key: key && kind === 'act' ? 'key' : null,
      ...(kind === 'person' ? { spec: { input: { ask: 'look', expires_in_ms: PERSON_MS } } } : {}),
      ...(kind === 'act' ? { spec: { input: { target: 'web' } } } : {}),
      ...(kind === 'choose' ? { spec: QUESTION } : {}),
    })
  })
  const asking = approvals.flatMap(({ ahead, wants }, index) => {
    const covered = firstCovered(index)
    if (covered < 0) return []
    const name = `approve-${index}`
    const task = newTask(execution(false), {
      ...{ task_id: taskId(name), name, title: name, position: tasks.length + index, priority: 5, now: START },
      ...{ task_kind: 'approve' as const, capability: 'human' as const },
      dependencies: before(wants, covered).map((want) => taskId(named(want))),
      ...(ahead ? { actual_status: 'done' as const, verification: AGREED } : {}),
    })
    return [{ task, approval: approvalRow(ids[index] as ApprovalId, task.task_id, ahead) }]
  })
  const all = [...made, ...asking.map(({ task }) => task)]
  return { tasks: all, approvals: asking.map(({ approval }) => approval), plan: planOf(all, '1') }
}

export const QUESTION = {
  node: 'task',
  ask: { description: 'do it' },
  question: { text: 'what?', options: [] },
  round: 1,
  expires_in_ms: PERSON_MS,
}

const AGREED: Evidence = {
  kind: 'signed',
  outcome: 'verified',
  claimed: 'approval required',
  observed: 'pre-approved',
  observed_at: isoTime(START),
}

/** Tasks that are found on the way, in a row, and the agreement to them. */
export function moreWork(
  { snapshot: { tasks, approvals }, now, policy }: Model,
  acts: number,
  approval: boolean,
  after: TaskId[],
): { work: Work; approvalId?: ApprovalId } {
  const base = tasks.size
  const asks = newTask(execution(false), {
    ...{
      task_id: taskId(`approve-${base}`),
      name: `approve-${base}`,
      title: 'agree',
      position: base,
      priority: 5,
      now,
    },
    ...{ task_kind: 'approve' as const, capability: 'human' as const },
    dependencies: after,
  })
  const approvalId = uuidV5(ID, `approval-${base}-${approvals.size}`) as ApprovalId
  const made: TaskRow[] = []
  for (let index = 1; index <= acts; index++) {
    const name = `found-${base + index}`
    const last = made.at(-1)
    made.push(
      newTask(execution(false), {
        ...{ task_id: taskId(name), name, title: name, position: base + index, priority: 5, now },
        ...{ task_kind: 'act' as const, capability: 'act' as const, level: approval ? 1 : 0 },
        dependencies: [...after, ...(last ? [last.task_id] : []), ...(approval ? [asks.task_id] : [])],
        approval_id: approval ? approvalId : null,
      }),
    )
  }
  const all = approval ? [...made, asks] : made
  const plan = planOf(all, String(policy))
  if (!approval) return { work: { tasks: all, approvals: [], plan } }
  const row = { ...approvalRow(approvalId, asks.task_id, false), policy_version: String(policy) }
  row.created_at = isoTime(now)
  row.expires_at = isoTime(now + APPROVAL_MS)
  return { work: { tasks: all, approvals: [row], plan }, approvalId }
}

const planOf = (tasks: readonly TaskRow[], policy: string): Work['plan'] => ({
  number: 0,
  plan: { parts: [{ title: 'it', answer: { kind: 'actions' }, tasks: tasks.map(({ task_id }) => task_id) }] },
  plan_hash: 'plan',
  policy_version: policy,
})

const approvalRow = (id: ApprovalId, task: TaskId, ahead: boolean): ApprovalRow => ({
  tenant: 'local',
  approval_id: id,
  execution_id: ID,
  task_id: task,
  level: 1,
  status: ahead ? 'approved' : 'pending',
  plan_hash: 'plan',
  policy_version: '1',
  sealed: {},
  actions: [],
  plan_number: 0,
  grant_id: ahead ? GRANT : null,
  requested_by: 'user',
  decided_by: ahead ? 'ada' : null,
  reason: null,
  created_at: isoTime(START),
  asked_at: ahead ? isoTime(START) : null,
  decided_at: ahead ? isoTime(START) : null,
  consumed_at: null,
  expires_at: isoTime(START + APPROVAL_MS),
})

export const execution = (ask: boolean): ExecutionRow => ({
  ...newExecution(
    {
      request: {
        task: 'do it',
        mode: 'auto',
        priority: 'normal',
        dry_run: false,
        ...(ask ? { on_failure: 'ask' } : {}),
      },
      principal: { tenant: 'local', user: 'user' },
      trace: '',
    },
    START,
  ),
  execution_id: ID,
})
