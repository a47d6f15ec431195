/** What a message has no room for, page by page: all tasks of an execution, all rows of its timeline, all steps of an approval. */
import type { Bus } from '@deed/mesh/bus'
import { type ApprovalView, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, watchExecution } from '@deed/proto/execution'
import type { TaskId } from '@deed/proto/ids'
import { listTasks } from '@deed/proto/task'

const TASKS_A_PAGE = 1000

/** The execution with nothing omitted. */
export async function wholeExecution(bus: Bus, { omitted, ...detail }: ExecutionDetail): Promise<ExecutionDetail> {
  if (omitted === undefined) return detail
  const { execution_id: id } = detail
  const tasks: ExecutionDetail['tasks'] = []
  for (let cursor: TaskId | null | undefined; cursor !== null; ) {
    const input = { execution_id: id, limit: TASKS_A_PAGE }
    const page = await bus.call(listTasks, cursor === undefined ? input : { ...input, cursor })
    tasks.push(...page.tasks)
    cursor = page.next_cursor
  }
  const timeline = [...detail.timeline]
  for (;;) {
    const { events } = await bus.call(watchExecution, { execution_id: id, after: timeline.at(-1)?.seq ?? 0 })
    if (events.length === 0) return { ...detail, tasks, timeline }
    timeline.push(...events)
  }
}

/** The approval with all its steps. */
export async function wholeApproval(bus: Bus, approval: ApprovalView): Promise<ApprovalView> {
  const { omitted, actions, plan, ...rest } = approval
  if (omitted === undefined) return approval
  const whole = { ...rest, actions: [...actions], plan: plan && { ...plan, steps: [...plan.steps] } }
  for (let more = true; more; ) {
    const from = Math.max(whole.actions.length, whole.plan?.steps.length ?? 0)
    const asked = { approval_id: approval.approval_id, steps_from: from }
    const page = (await bus.call(listApprovals, asked)).approvals[0]
    whole.actions.push(...(page?.actions ?? []))
    whole.plan?.steps.push(...(page?.plan?.steps ?? []))
    more = page?.omitted !== undefined
  }
  return whole
}
