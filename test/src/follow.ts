/** What becomes of an execution: read over the bus until it is so. */
import type { Bus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { type ApprovalView, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'

interface Mesh {
  readonly client: Bus
}

/** A machine under load is slow. */
const WAIT_MS_MAX = 180_000

export const detailOf = ({ client }: Mesh, id: ExecutionId): Promise<ExecutionDetail> =>
  client.call(getExecution, { execution_id: id })

export const endOf = (mesh: Mesh, id: ExecutionId): Promise<ExecutionDetail> =>
  until(
    async () => {
      const detail = await detailOf(mesh, id)
      return (FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(detail.status) && detail
    },
    { timeoutMs: WAIT_MS_MAX, what: 'the end' },
  )

export const pendingOf = async ({ client }: Mesh, id: ExecutionId): Promise<ApprovalView[]> =>
  (await client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals

/** The approval that is required next. */
export const askedOf = (mesh: Mesh, id: ExecutionId): Promise<ApprovalView> =>
  until(async () => (await pendingOf(mesh, id))[0], { timeoutMs: WAIT_MS_MAX, what: 'a question' })
