/** Tasks of a test's own mesh, asked for and approved over the bus. */
import type { MeshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { decideApproval } from '@deed/proto/approval'
import {
  type ExecutionDetail,
  type ExecutionReply,
  type ExecutionRequest,
  requestExecution,
} from '@deed/proto/execution'
import type { ApprovalId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { detailOf, endOf } from './follow.ts'

const APPROVER = { principal: { tenant: 'local', user: 'approver' } }

export const ask = (
  { client }: MeshUnderTest,
  request: Partial<ExecutionRequest> & { task: string },
  timeoutMs?: number,
): Promise<ExecutionReply> => client.call(requestExecution, request, defined({ timeoutMs }))

/** Asks, and waits until a person is asked. */
export async function waiting(
  under: MeshUnderTest,
  task: string,
  context?: Record<string, string>,
): Promise<ExecutionDetail & { approval_id: ApprovalId }> {
  const { execution_id } = await ask(under, { task, mode: 'background', ...defined({ context }) })
  return until(async () => {
    const detail = await detailOf(under, execution_id)
    return detail.approval_id !== undefined && { ...detail, approval_id: detail.approval_id }
  })
}

export const decide = (
  { client }: MeshUnderTest,
  { approval_id }: { approval_id: ApprovalId },
  decision: 'approve' | 'deny',
  plan_hash?: string,
) => client.call(decideApproval, { approval_id, decision, ...defined({ plan_hash }) }, APPROVER)

export async function approved(under: MeshUnderTest, task: string): Promise<ExecutionDetail> {
  const detail = await waiting(under, task)
  await decide(under, detail, 'approve')
  return endOf(under, detail.execution_id)
}
