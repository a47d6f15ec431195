/** What waits for a person. */
import { type ApprovalView, listApprovals } from '@deed/proto/approval'
import { defined } from '@deed/proto/json'
import type { PersonTask } from '@deed/proto/person'
import { z } from 'zod'
import { tool } from '../serving/tool.ts'
import { Id, worldText } from './execution-view.ts'

const LISTED = 10
const LISTED_MAX = 50
const STEPS_MAX = 20

const WaitingOut = z.strictObject({
  approval_id: z.string(),
  execution_id: z.string(),
  kind: z.enum(['approve', 'review', 'provide', 'choose']),
  level: z.number().optional(),
  plan_hash: z.string().optional(),
  requested_by: z.string(),
  expires_at: z.string().optional(),
  untrusted: z.strictObject({ task: z.string(), asks: z.array(z.string()) }),
})

export const listWaiting = tool({
  name: 'list_waiting',
  title: 'List what waits for a person',
  description: 'Plans to approve, tasks to review or provide, questions about words. Only a person decides them.',
  input: z.strictObject({
    execution_id: Id.optional(),
    limit: z.number().int().min(1).max(LISTED_MAX).default(LISTED),
  }),
  output: z.strictObject({ waiting: z.array(WaitingOut), as_of: z.string(), next: z.string() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async run(asked, { mesh, agent, context }) {
    const bus = await mesh.bus()
    const options = { principal: agent, signal: context.mcpReq.signal }
    const { approvals, tasks } = await bus.call(listApprovals, { ...defined(asked), status: 'pending' }, options)
    const waiting = [...approvals.map(approvalView), ...tasks.map(taskView)].slice(0, asked.limit)
    return {
      waiting,
      as_of: new Date().toISOString(),
      next: waiting.length === 0 ? 'Nothing waits.' : 'decide_approval asks the person about one of kind approve.',
    }
  },
})

/** What each step does, as a person reads it. */
export const stepLines = ({ actions, omitted }: ApprovalView): string[] => [
  ...actions.slice(0, STEPS_MAX).map(({ title, summary, level }) => `level ${level}: ${worldText(summary || title)}`),
  ...(actions.length > STEPS_MAX || omitted ? ['and further steps, which the console shows'] : []),
]

const approvalView = (approval: ApprovalView): z.input<typeof WaitingOut> => ({
  approval_id: approval.approval_id,
  execution_id: approval.execution_id,
  kind: 'approve',
  level: approval.level,
  plan_hash: approval.plan_hash,
  requested_by: approval.requested_by,
  expires_at: approval.expires_at,
  untrusted: { task: worldText(approval.task), asks: stepLines(approval) },
})

const taskView = (task: PersonTask): z.input<typeof WaitingOut> => ({
  approval_id: task.approval_id,
  execution_id: task.execution_id,
  kind: task.kind,
  requested_by: task.requested_by,
  ...(task.expires_at === null ? {} : { expires_at: task.expires_at }),
  untrusted: { task: worldText(task.task), asks: [worldText(task.title)] },
})
