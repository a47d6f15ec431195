/** All that waits, and one of it whole. */
import { call } from '../../app/call.ts'
import type { ExecutionEvent } from '../../app/live.ts'
import { useResource } from '../../app/resource.ts'
import { type Approval, type Item, itemsOf, type PersonTask } from './items.ts'

const PAGE = 500
const ITEMS_MAX = 2_000
/** More steps than this are not drawn. */
const STEPS_MAX = 2_000

const changesInbox = ({ type }: ExecutionEvent): boolean =>
  type.startsWith('approval.') ||
  type.startsWith('person.') ||
  type === 'execution.waiting' ||
  type === 'execution.ended'

export interface Inbox {
  readonly items: readonly Item[]
  /** There is more than that. */
  readonly more: boolean
}

export function useInbox() {
  return useResource('inbox', readInbox, { on: changesInbox, everyMs: 60_000 })
}

async function readInbox(signal: AbortSignal): Promise<Inbox> {
  const pending = { status: 'pending', limit: PAGE } as const
  const first = await call('approval.list', pending, { signal })
  const [approvals, tasks] = [[...first.approvals], [...first.tasks]]
  let { next_cursor: cursor, next_tasks_cursor: tasksCursor } = first
  while (cursor !== null && approvals.length < ITEMS_MAX) {
    const page = await call('approval.list', { ...pending, kind: 'approve', cursor }, { signal })
    approvals.push(...page.approvals)
    cursor = page.next_cursor
  }
  while (tasksCursor !== null && tasks.length < ITEMS_MAX) {
    const page: typeof first = await call('approval.list', { ...pending, tasks_cursor: tasksCursor }, { signal })
    tasks.push(...page.tasks)
    tasksCursor = page.next_tasks_cursor
  }
  return { items: itemsOf({ approvals, tasks }), more: cursor !== null || tasksCursor !== null }
}

export interface Waiting {
  readonly approval: Approval | undefined
  readonly task: PersonTask | undefined
  /** Another approval that the same execution waits for, if this one is not open any longer. */
  readonly instead: Approval | undefined
}

/** @param all every step, however many (up to a bound) */
export function useWaiting(id: string, all: boolean) {
  return useResource(`waiting ${id} ${all}`, (signal) => readWaiting(id, all, signal), {
    on: changesInbox,
    everyMs: 60_000,
  })
}

/** What was approved is asked again if its target is not as planned when it would run. */
const REPLACEABLE: ReadonlySet<Approval['status']> = new Set(['expired', 'cancelled', 'approved', 'used'])

async function readWaiting(id: string, all: boolean, signal: AbortSignal): Promise<Waiting> {
  const found = await call('approval.list', { approval_id: id }, { signal })
  const task = found.tasks.find(({ approval_id: one }) => one === id)
  let approval = found.approvals.find(({ approval_id: one }) => one === id)
  if (approval && all) approval = await wholeApproval(approval, signal)
  const instead = approval && REPLACEABLE.has(approval.status) ? await successorOf(approval, signal) : undefined
  return { approval, task, instead }
}

async function wholeApproval(approval: Approval, signal: AbortSignal): Promise<Approval> {
  const { plan, ...rest } = approval
  const whole = { ...rest, actions: [...approval.actions], plan: plan && { ...plan, steps: [...plan.steps] } }
  while (whole.omitted) {
    const from = Math.max(whole.actions.length, whole.plan?.steps.length ?? 0)
    if (from >= STEPS_MAX) return whole
    const page = await call('approval.list', { approval_id: approval.approval_id, steps_from: from }, { signal })
    const next = page.approvals[0]
    whole.actions.push(...(next?.actions ?? []))
    whole.plan?.steps.push(...(next?.plan?.steps ?? []))
    if (next?.omitted) whole.omitted = next.omitted
    else delete whole.omitted
  }
  return whole
}

/** An open approval of the same execution; of the same tasks, where it may also be one of further tasks. */
async function successorOf(
  { execution_id, approval_id: id, status, actions }: Approval,
  signal: AbortSignal,
): Promise<Approval | undefined> {
  const open = await call('approval.list', { execution_id, kind: 'approve', status: 'pending', limit: 1 }, { signal })
  const tasks = new Set(actions.map(({ task_id: task }) => task))
  const approved = status === 'approved' || status === 'used'
  return open.approvals.find(
    (one) => one.approval_id !== id && (!approved || one.actions.some(({ task_id: task }) => tasks.has(task))),
  )
}
