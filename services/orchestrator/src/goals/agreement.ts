/**
 * Agreement to a goal: given once, to its actions and under one version of the policy, by whoever approved its first
 * execution. Level 3 is each time a decision of its own.
 */
import { hashJson } from '@deed/mesh/canonical-json'
import { Action } from '@deed/proto/action'
import { type Changed, changesOf } from '../differences.ts'
import { unsealedOf } from '../planning/unsealed.ts'
import { isoTime } from '../reconcile/draft.ts'
import type { Work } from '../reconcile/input.ts'
import type { ApprovalRow, Snapshot, TaskRow } from '../snapshot.ts'
import type { GoalRow } from '../store/goals.ts'

const LEVEL_MAX = 2

type Agreed = Pick<GoalRow, 'name' | 'agreed' | 'steps'>

/** What the first execution's approvals say; null where nobody was asked, since a standing permission may be taken back. */
export function agreementOf({ approvals, tasks }: Pick<Snapshot, 'approvals' | 'tasks'>): GoalRow['agreed'] {
  for (const { status, level, grant_id, decided_by, policy_version } of approvals.values()) {
    const byPerson = grant_id === null && decided_by !== null
    if (status !== 'consumed' || !byPerson || level > LEVEL_MAX) continue
    const seals = [...tasks.values()].flatMap(({ approval_id, spec }) => {
      if (approval_id === null || !isAgreed(approvals.get(approval_id)) || spec === null) return []
      const action = Action.parse(spec)
      return [[sealOf(action), action.expect_resolved ?? {}]]
    })
    return { by: decided_by, policy_version, seals: Object.fromEntries(seals) }
  }
  return null
}

const isAgreed = (approval: ApprovalRow | undefined): boolean =>
  approval?.status === 'consumed' && approval.grant_id === null

/** Whether the approval asks for nothing but what was agreed to with the goal. */
export function isCovered({ agreed, steps }: Agreed, approval: ApprovalRow, tasks: readonly TaskRow[]): boolean {
  const { status, level, policy_version: version, approval_id: id } = approval
  if (agreed === null || status !== 'pending' || level > LEVEL_MAX || version !== agreed.policy_version) return false
  const known = new Set(steps.map(({ action }) => sealOf(action)))
  const asked = tasks.filter((task) => task.approval_id === id)
  return (
    asked.length > 0 &&
    asked.every(({ spec }) => {
      const action = Action.parse(spec)
      return known.has(sealOf(action)) && meantOtherwise(agreed, action).length === 0
    })
  )
}

/** Where the action's names mean something else by now than what they meant when the goal was agreed to. */
function meantOtherwise({ seals }: NonNullable<Agreed['agreed']>, action: Action): Changed[] {
  const meant = seals?.[sealOf(action)]
  return meant === undefined ? [] : changesOf(meant, action.expect_resolved ?? {})
}

/** Puts the agreement into a new plan, so that nobody is asked again. */
export function agreeAhead(goal: Agreed, { approvals, tasks }: Work, now: number): void {
  const at = isoTime(now)
  for (const approval of approvals) {
    const { agreed } = goal
    if (agreed === null) continue
    if (!isCovered(goal, approval, tasks)) {
      for (const step of approval.actions) step.changed = meantOtherwise(agreed, Action.parse(step.action))
      continue
    }
    const { approval_id, plan_hash, policy_version } = approval
    const decision = { decided_by: agreed.by, decided_at: at, asked_at: at }
    Object.assign(approval, { status: 'approved', reason: reasonOf(goal), ...decision })
    const task = tasks.find(({ task_id: id }) => id === approval.task_id)
    if (!task) continue
    task.actual_status = 'done'
    task.finished_at = at
    task.verification = {
      kind: 'signed',
      outcome: 'verified',
      claimed: 'approval wanted',
      observed: `agreed to by ${agreed.by} with the goal ${goal.name}`,
      observed_at: at,
      facts: { approval_id, goal: goal.name, plan_hash, policy_version },
    }
  }
}

export const reasonOf = ({ name }: Agreed): string => `agreed to with the goal ${name}, for whenever it does not hold`

/** Of what an action does, whatever it is expected to meet. */
const sealOf = (action: Action): string => hashJson(unsealedOf(action))
