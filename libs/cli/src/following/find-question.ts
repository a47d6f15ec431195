/** The question that somebody wants to answer. */
import type { Bus } from '@deed/mesh/bus'
import { listApprovals } from '@deed/proto/approval'
import { type ApprovalId, ExecutionId } from '@deed/proto/ids'
import type { PersonTask } from '@deed/proto/person'
import { UsageError } from '../terminal/exit-code.ts'

/**
 * @param id of the question, or of an execution that waits with one
 * @returns undefined if no such question is open
 * @throws {UsageError} if the execution has several
 */
export async function findQuestion(bus: Bus, id: ApprovalId): Promise<PersonTask | undefined> {
  const open = { kind: 'choose' as const, status: 'pending' as const }
  const own = await bus.call(listApprovals, { ...open, approval_id: id })
  if (own.tasks[0]) return own.tasks[0]
  const { tasks } = await bus.call(listApprovals, { ...open, execution_id: ExecutionId.parse(id) })
  if (tasks.length > 1) {
    const each = tasks.map(({ approval_id, title }) => `  ${approval_id}  ${title}`)
    throw new UsageError(`the execution waits with several questions; name one\n${each.join('\n')}`)
  }
  return tasks[0]
}
