/**
 * A blocked goal waits for a person. The goal's own row is the review, so it exists exactly as long as the goal is
 * blocked.
 */
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import type { PersonDecision, PersonTask } from '@deed/proto/person'
import { closeReview, type GoalRow, readBlockedGoals } from '../store/goals.ts'
import type { Database } from '../store/schema.ts'

const DECISIONS = ['retry', 'cancel'] as const

/** The tenant's blocked goals, as tasks for people. */
export async function goalReviews(
  db: Database,
  principal: Principal,
  by: { approvalId?: ApprovalId | undefined; executionId?: ExecutionId | undefined; limit: number },
): Promise<PersonTask[]> {
  return (await readBlockedGoals(db, principal, by)).map(viewOf)
}

/**
 * retry: check it again, and reset the count of remedies. cancel: delete it; what it changed stays.
 *
 * @throws {DeedError} `not_found`; `invalid_request` naming the allowed decisions
 */
export async function decideGoal(
  db: Database,
  principal: Principal,
  { approvalId, decision }: { approvalId: ApprovalId; decision: PersonDecision },
): Promise<{ approval_id: ApprovalId; execution_id: ExecutionId; status: 'resolved' }> {
  const decided = DECISIONS.find((one) => one === decision)
  const [goal] = decided
    ? await closeReview(db, principal, approvalId, decided)
    : await readBlockedGoals(db, principal, { approvalId, limit: 1 })
  if (!goal) {
    throw new DeedError('not_found', 'there is no such approval or task of a person; `deed get approvals` lists them')
  }
  if (!decided) {
    throw new DeedError('invalid_request', `of the goal ${goal.name}: ${DECISIONS.join(' or ')}`, {
      path: '$.decision',
    })
  }
  return { approval_id: approvalId, execution_id: executionOf(goal), status: 'resolved' }
}

function viewOf(goal: GoalRow): PersonTask {
  const { goal_id, user_name, name, task, why, last_check_at, created_at } = goal
  return {
    approval_id: goal_id as ApprovalId,
    execution_id: executionOf(goal),
    kind: 'review',
    task,
    name: `HUMAN-REVIEW-${name}`,
    title: `the goal ${name} is blocked`,
    details: why,
    status: 'pending',
    decisions: [...DECISIONS],
    requested_by: user_name,
    asked_at: new Date(last_check_at ?? created_at).toISOString(),
    expires_at: null,
    cause: 'goal',
    about: null,
    question: null,
    evidence: null,
    result: null,
  }
}

/** The last execution for it; a goal has one from the moment it is put. */
const executionOf = ({ execution_id, goal_id }: GoalRow): ExecutionId => execution_id ?? (goal_id as ExecutionId)
