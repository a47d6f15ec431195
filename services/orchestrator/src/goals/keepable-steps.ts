/** The actions of a plan that a goal can keep: those whose postcondition can be observed and restored. */

import { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { defined } from '@deed/proto/json'
import { unsealedOf } from '../planning/unsealed.ts'
import { effectOf, type Policy } from '../policy/policy.ts'
import type { GoalStep } from '../store/goals.ts'

/** @throws {DeedError} if nothing is left to keep, or an action is an event rather than a state */
export function keepableSteps(policy: Policy, steps: readonly GoalStep[], workspace: string | undefined): GoalStep[] {
  const isRead = ({ action: { kind, input } }: GoalStep): boolean => effectOf(policy, kind, input) === 'read'
  /** The dependencies of each read, by name, which the read's dependents inherit. */
  const before = new Map<string, string[]>()
  const past = (names: readonly string[]): string[] => [...new Set(names.flatMap((name) => before.get(name) ?? [name]))]
  const kept: GoalStep[] = []
  for (const step of steps) {
    const after = step.after === undefined ? undefined : past(step.after)
    if (!isRead(step)) kept.push(lasting({ ...step, ...(after ? { after } : {}) }, workspace))
    else if (step.name !== undefined) before.set(step.name, after ?? [])
  }
  if (kept.length === 0) {
    throw new DeedError(
      'invalid_request',
      'it changes nothing, so there is nothing to keep; describe the state to keep',
    )
  }
  const once = kept.find(({ action }) => action.already_so === 'run')
  if (once) {
    throw new DeedError(
      'invalid_request',
      `${once.action.kind} runs each time, whatever the state, so it cannot be kept; use a schedule for it`,
    )
  }
  return kept
}

/**
 * That a service is a new process cannot last; that it runs can. What was met beforehand is not what is met later. The
 * proof of a goal checks the state, and not who has made it so.
 */
function lasting(step: GoalStep, workspace: string | undefined): GoalStep {
  const action = Action.parse({
    ...defined({ workspace }),
    already_so: 'skip',
    ...unsealedOf(step.action),
    observe_only: false,
  })
  if (action.kind !== 'service.restart') return { ...step, action }
  const { verify, ...rest } = action
  return { ...step, title: `start ${String(action.input.target)}`, action: { ...rest, kind: 'service.start' } }
}
