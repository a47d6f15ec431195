/** A step of a history as the input that the core is given. */
import type { FencingToken, TaskId } from '@deed/proto/ids'
import type { PersonDecision } from '@deed/proto/person'
import { isoTime } from '../../src/execution/iso-time.ts'
import { newTask } from '../../src/execution/new-task.ts'
import type { Snapshot, TaskRow, Work } from '../../src/execution/snapshot.ts'
import { needsApproval } from '../../src/reconcile/agree-again.ts'
import { isLastQuestion } from '../../src/reconcile/chosen.ts'
import type { Input } from '../../src/reconcile/input.ts'
import { retriedBy } from '../../src/reconcile/resolved.ts'
import type { Step } from './history.ts'
import { chosen, LEASE_MS, type Model, running } from './model.ts'
import { execution, failure, moreWork, QUESTION, reportOf, taskId, workOf } from './rows.ts'

export function inputOf(model: Model, step: Exclude<Step, { op: 'work' }>): Input | undefined {
  const { snapshot, now } = model
  const all = [...snapshot.tasks.values()]
  const tick: Input = { type: 'tick' }
  switch (step.op) {
    case 'tick':
      return tick
    case 'wait':
      model.now += step.ms
      model.overdue = true
      return undefined
    case 'beat': {
      // Straight into the tables, and the rows are read again.
      const task = chosen(running(snapshot), step.pick)
      if (task && Date.parse(task.lease_expires_at ?? '') > now)
        Object.assign(task, { assigned_agent: 'worker', lease_expires_at: isoTime(now + LEASE_MS) })
      return undefined
    }
    case 'report': {
      const task = chosen(running(snapshot), step.pick)
      const { task_id: taskId, token, intent } = task ?? {}
      if (!task || !taskId || intent === undefined) return undefined
      return { type: 'reported', report: reportOf({ taskId, token: token as FencingToken, intent }, step.verdict, now) }
    }
    case 'late': {
      const attempt = chosen(model.attempts, step.pick)
      return attempt && { type: 'reported', report: reportOf(attempt, step.verdict, now) }
    }
    case 'solution': {
      const task = chosen(
        running(snapshot).filter(({ intent }) => intent === 'solve'),
        step.pick,
      )
      if (!task) return undefined
      const attempt = { taskId: task.task_id, token: task.token as FencingToken, intent: task.intent }
      return {
        type: 'reported',
        report: reportOf(attempt, 'already_so', now),
        solved: solutionOf(model, task, step),
      }
    }
    case 'replan': {
      const task = chosen(
        running(snapshot).filter(({ intent }) => intent === 'do'),
        step.pick,
      )
      if (!task) return undefined
      const { work, approvalId } = moreWork(model, 0, step.approval, [])
      const changed = approvalId === undefined ? {} : { approval_id: approvalId, level: 1 }
      return { type: 'replanned', taskId: task.task_id, token: task.token as FencingToken, task: changed, work }
    }
    case 'decide': {
      const approval = chosen([...snapshot.approvals.values()], step.pick)
      const { approve } = step
      if (!approval) return undefined
      const by = { approvalId: approval.approval_id, approve, by: 'ada' }
      return step.mayNot ? { type: 'refused', ...by, code: 'forbidden' } : { type: 'decided', ...by, reason: null }
    }
    case 'resolve': {
      const task = chosen(
        all.filter(({ capability }) => capability === 'human'),
        step.pick,
      )
      return task && agreedAgain(model, resolution(task.task_id, step.decision))
    }
    case 'choose': {
      const task = chosen(
        all.filter(({ task_kind }) => task_kind === 'choose'),
        step.pick,
      )
      return task && answerOf(model, task, step.comes)
    }
    case 'cancel':
      return { type: 'cancelled', reason: null, undo: step.undo, by: 'ada' }
    case 'rollback': {
      const changed = all.filter(({ effect }) => effect !== 'none')
      const task = step.pick === undefined ? undefined : chosen(changed.length > 0 ? changed : all, step.pick)
      return { type: 'rolled_back', reason: null, by: 'ada', ...(task ? { taskIds: [task.task_id] } : {}) }
    }
    case 'steer':
      return agreedAgain(model, { type: step.wish, reason: null, by: 'ada' })
    case 'second_thinker':
      return step.finds
        ? { type: 'planned', work: workOf({ tasks: [], approvals: [], ask: false, autoRollback: true }), found: {} }
        : { type: 'plan_failed', error: failure('no_solution', false), found: { method: 'error' } }
    case 'room':
      model.slots = step.slots
      return tick
    case 'key':
      model.keyFree = step.free
      return tick
    case 'rate':
      model.rateOpen = step.open
      return tick
    case 'grant_over':
      for (const approval of snapshot.approvals.values())
        if (approval.status === 'approved' && approval.grant_id !== null) approval.grant_over = true
      return tick
    case 'policy':
      model.policy++
      return tick
  }
}

/** Work that is tried again comes with the agreements that it needs, as the handler of the message adds them. */
export function agreedAgain(model: Model, input: Input): Input {
  const { snapshot, now } = model
  const moment = { now, policyVersion: String(model.policy) }
  let needing: TaskRow[] = []
  if (input.type === 'resolved') needing = retriedBy(snapshot, input, moment)
  else if (input.type === 'retried' && ['failed', 'cancelled', 'rolled_back'].includes(snapshot.execution.status)) {
    needing = [...snapshot.tasks.values()].filter(
      (task) =>
        !['done', 'skipped'].includes(task.actual_status) &&
        task.task_kind !== 'approve' &&
        needsApproval(task, snapshot, moment),
    )
  }
  if (needing.length === 0) return input
  const { work, approvalId } = moreWork(model, 0, true, [])
  const [asks] = work.tasks
  if (approvalId === undefined || !asks) throw new Error('nobody is asked')
  const askers = new Set([...snapshot.approvals.values()].map(({ task_id }) => task_id))
  const tasks = needing.map(({ task_id, spec, action_hash, level, dependencies }) => ({
    ...{ task_id, spec, action_hash, level, approval_id: approvalId },
    dependencies: [...dependencies.filter((id) => !askers.has(id)), asks.task_id],
  }))
  return { ...input, again: { tasks, work } } as Input
}

/** Whom somebody is asked about now. */
export const asked = ({ tasks, approvals }: Snapshot): TaskRow[] =>
  [...tasks.values()].filter(
    ({ capability, actual_status, started_at, task_id }) =>
      capability === 'human' &&
      actual_status === 'pending' &&
      (started_at !== null ||
        [...approvals.values()].some(
          (one) => one.task_id === task_id && one.status === 'pending' && one.asked_at !== null,
        )),
  )

/** What a handler makes of an answer: with the last one comes the plan. */
function answerOf(model: Model, task: TaskRow, comes: 'plan' | 'next' | 'refused' | 'nothing'): Input {
  const { snapshot } = model
  const answer = { taskId: task.task_id, by: 'ada', reason: null, reading: 'it' }
  if (comes === 'next') {
    const name = `asked-${snapshot.tasks.size}`
    const asked = {
      task_id: taskId(name),
      name,
      title: name,
      position: snapshot.tasks.size,
      priority: 1,
      now: model.now,
    }
    const next = newTask(execution(false), {
      ...asked,
      ...{ task_kind: 'choose' as const, capability: 'human' as const, spec: QUESTION },
    })
    return { type: 'chosen', ...answer, chosen: { words: 'it' }, next }
  }
  if (comes === 'refused') {
    return { type: 'chosen', ...answer, chosen: { words: 'it' }, refused: failure('not_understood', false) }
  }
  // A handler that knows an older state brings a plan too early, or none with the last answer; both are refused.
  const planned = comes === 'plan' && isLastQuestion(snapshot, task)
  const { work } = moreWork(model, 1, false, [task.task_id])
  const plan = planned ? { plan: { work, found: { method: 'autonomous' as const } } } : {}
  return { type: 'chosen', ...answer, chosen: { option: 'one' }, ...plan }
}

export function answerTo(model: Model, task: TaskRow): Input {
  const { approvals } = model.snapshot
  if (task.task_kind === 'choose') return answerOf(model, task, 'plan')
  if (task.task_kind !== 'approve') return resolution(task.task_id, task.task_kind === 'review' ? 'retry' : 'provide')
  const approval = [...approvals.values()].find(({ task_id }) => task_id === task.task_id)
  if (!approval) throw new Error(`there is no approval of ${task.name}`)
  return { type: 'decided', approvalId: approval.approval_id, approve: true, by: 'ada', reason: null }
}

const resolution = (taskId: TaskId, decision: PersonDecision): Input => ({
  type: 'resolved',
  taskId,
  decision,
  by: 'ada',
  reason: null,
  result: decision === 'provide' ? { text: 'looked after it' } : null,
})

const solutionOf = (model: Model, task: TaskRow, { acts, approval }: { acts: number; approval: boolean }): Work =>
  moreWork(model, acts, approval && acts > 0, [...task.dependencies, task.task_id]).work
