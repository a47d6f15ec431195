/** A task of a manifest that proposes a decision of the organization, and waits until it is decided. */
import { z } from 'zod'
import { DecisionMode, DecisionSubject, DecisionType } from './decision.ts'
import type { ExecutionId, TaskId } from './ids.ts'
import { OrganizationRole, Prose } from './organization.ts'
import { NodeName } from './task.ts'

/**
 * The kind of action that the organization does: it is never dispatched. Approved, it is done, with the decision as the
 * organization has it as evidence; rejected, the execution is denied, and undone.
 */
export const DECISION_TASK = 'decision.propose'

export const DecisionTaskInput = z.strictObject({
  /** The role that proposes. */
  by: OrganizationRole,
  type: DecisionType,
  subject: DecisionSubject,
  rationale: Prose,
  mode: DecisionMode.optional(),
  /**
   * Facts of the proposal by name, each with the tasks that show it: true where all of them are done with evidence. The
   * task must depend on each.
   */
  shown_by: z.record(z.string().min(1).max(64), z.array(NodeName).min(1).max(50)).default({}),
})
export type DecisionTaskInput = z.output<typeof DecisionTaskInput>

/** The key of the proposal. A task that is retried began at another time, so it proposes again. @param startedAt RFC 3339 */
export const decisionTaskKey = (executionId: ExecutionId, taskId: TaskId, startedAt: string): string =>
  `task:${executionId}:${taskId}:${Date.parse(startedAt)}`

/** @returns undefined for a key that no task has */
export function taskOfKey(key: string | null): { executionId: ExecutionId; taskId: TaskId } | undefined {
  const [, executionId, taskId] = /^task:([0-9a-f-]{36}):([0-9a-f-]{36}):\d+$/.exec(key ?? '') ?? []
  return executionId === undefined ? undefined : { executionId: executionId as ExecutionId, taskId: taskId as TaskId }
}
