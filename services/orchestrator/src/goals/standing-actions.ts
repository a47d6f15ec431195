/** The actions that keep something so: of a plan's, those whose postcondition can be looked at and brought about again. */
import { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { effectOf, type Policy } from '../planning/policy.ts'
import type { GoalStep } from '../store/goals.ts'

/** @throws {DeedError} where nothing is left to keep, or something can only be done, not be so */
export function standingSteps(policy: Policy, steps: readonly GoalStep[], workspace: string | undefined): GoalStep[] {
  const kept = steps
    .filter(({ action: { kind, input } }) => effectOf(policy, kind, input) !== 'read')
    .map(({ title, action }) => lasting(title, { ...(workspace === undefined ? {} : { workspace }), ...action }))
  if (kept.length === 0) {
    throw new DeedError('invalid_request', 'it changes nothing, so there is nothing to keep; say what is to be so')
  }
  const once = kept.find(({ action }) => action.already_so === 'run')
  if (once) {
    throw new DeedError(
      'invalid_request',
      `${once.action.kind} is done each time, whatever is so already, so it cannot be kept; use a schedule for it`,
    )
  }
  return kept
}

/** That a service is a new process cannot last; that it runs can. What was met beforehand is not what is met later. */
function lasting(title: string, { expect_before, expect_sandbox, ...planned }: Action): GoalStep {
  const action = Action.parse({ ...planned, observe_only: false })
  if (action.kind !== 'service.restart') return { title, action }
  const { verify, ...rest } = action
  return { title: `start ${String(action.input.target)}`, action: { ...rest, kind: 'service.start' } }
}
