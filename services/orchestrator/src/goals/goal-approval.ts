/**
 * Agreement to a goal: given once, for each of its steps and under one version of the policy, by who approved that step
 * in the goal's first execution. Level 3 is each time a decision of its own.
 */
import { hashJson } from '@deed/json/canonical-json'
import { Action } from '@deed/proto/action'
import { type Changed, changesOf } from '../execution/differences.ts'
import { isoTime } from '../execution/iso-time.ts'
import { signed } from '../execution/signed.ts'
import type { ApprovalRow, Snapshot, TaskRow, Work } from '../execution/snapshot.ts'
import { unsealedOf } from '../planning/unsealed.ts'
import type { GoalRow, StepAgreement } from '../store/goals.ts'

const LEVEL_MAX = 2

type ApprovedGoal = Pick<GoalRow, 'name' | 'agreed'>

/**
 * What people approved in the first execution, step by step. A step that nobody was asked for is not in it, nor one that a
 * grant covered, since a grant may be taken back, nor one of level 3.
 */
export function goalApprovalOf({ approvals, tasks }: Pick<Snapshot, 'approvals' | 'tasks'>): GoalRow['agreed'] {
  const steps = [...tasks.values()].flatMap(({ approval_id, spec, level }): [string, StepAgreement][] => {
    const approval = approval_id === null ? undefined : approvals.get(approval_id)
    if (approval?.status !== 'used' || approval.grant_id !== null || approval.level > LEVEL_MAX) return []
    const { decided_by: by, policy_version } = approval
    if (by === null || spec === null) return []
    const action = Action.parse(spec)
    return [[sealOf(action), { by, policy_version, level, means: action.expect_resolved ?? {} }]]
  })
  return steps.length === 0 ? null : Object.fromEntries(steps)
}

/**
 * Who has agreed, with the goal, to every step that the approval asks for.
 *
 * @returns undefined where a step was not agreed to, or not as it is now, or several people agreed to one step each
 */
export function agreedBy(
  { agreed }: ApprovedGoal,
  approval: ApprovalRow,
  tasks: readonly TaskRow[],
): string | undefined {
  const { status, policy_version: version, approval_id: id } = approval
  if (agreed === null || status !== 'pending' || approval.level > LEVEL_MAX) return undefined
  const people = tasks
    .filter((task) => task.approval_id === id)
    .map(({ spec, level }) => {
      const action = Action.parse(spec)
      const given = agreed[sealOf(action)]
      const holds =
        given?.policy_version === version && level <= given.level && meantOtherwise(agreed, action).length === 0
      return holds ? given.by : undefined
    })
  return new Set(people).size === 1 ? people[0] : undefined
}

/** Where the action's names mean something else than what they meant when it was agreed to. */
function meantOtherwise(agreed: NonNullable<ApprovedGoal['agreed']>, action: Action): Changed[] {
  const given = agreed[sealOf(action)]
  return given === undefined ? [] : changesOf(given.means, action.expect_resolved ?? {})
}

/** Adds the goal's approval to a new plan, so that nobody is asked again. */
export function preApprove(goal: ApprovedGoal, { approvals, tasks }: Work, now: number): void {
  const at = isoTime(now)
  for (const approval of approvals) {
    const { agreed } = goal
    if (agreed === null) continue
    const by = agreedBy(goal, approval, tasks)
    if (by === undefined) {
      for (const step of approval.actions) step.changed = meantOtherwise(agreed, Action.parse(step.action))
      continue
    }
    const { approval_id, plan_hash, policy_version } = approval
    const decision = { decided_by: by, decided_at: at, asked_at: at }
    Object.assign(approval, { status: 'approved', reason: reasonOf(goal), ...decision })
    const task = tasks.find(({ task_id: id }) => id === approval.task_id)
    if (!task) continue
    task.actual_status = 'done'
    task.finished_at = at
    task.verification = signed({
      claimed: 'approval required',
      observed: `approved by ${by} with the goal ${goal.name}`,
      at: now,
      facts: { approval_id, goal: goal.name, plan_hash, policy_version },
    })
  }
}

export const reasonOf = ({ name }: ApprovedGoal): string =>
  `approved with the goal ${name}, for whenever it does not hold`

/** The action without its preconditions. */
const sealOf = (action: Action): string => hashJson(unsealedOf(action))
