/** A rollback as its requester makes it: asked for, and approved where its level needs that. */
import type { Bus } from '@deed/mesh/bus'
import { decideApproval } from '@deed/proto/approval'
import type { ExecutionId } from '@deed/proto/ids'
import type { ExecutionStatus } from '@deed/proto/states'
import { rollbackExecution } from '@deed/proto/steering'

/** @throws {DeedError} as `rollbackExecution`; `self_approval` where the policy wants another person */
export async function rollBack(
  client: Bus,
  id: ExecutionId,
  options: Parameters<Bus['call']>[2] = {},
): Promise<ExecutionStatus> {
  const { status, approval_id } = await client.call(rollbackExecution, { execution_id: id }, options)
  if (approval_id === null) return status
  await client.call(decideApproval, { approval_id, decision: 'approve' }, options)
  return 'undoing'
}
