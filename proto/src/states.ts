/** Every state name; the CHECK constraints of the tables are generated from these lists. */
import { z } from 'zod'

export const EXECUTION_STATUSES = [
  'planning',
  'waiting',
  'running',
  'paused',
  'undoing',
  'done',
  'failed',
  'denied',
  'cancelled',
  'rolled_back',
  'rollback_failed',
] as const
export const ExecutionStatus = z.enum(EXECUTION_STATUSES)
export type ExecutionStatus = z.output<typeof ExecutionStatus>

/** Only an explicit retry or rollback leaves one of these. */
export const FINAL_EXECUTION_STATUSES: ReadonlySet<ExecutionStatus> = new Set([
  'done',
  'failed',
  'denied',
  'cancelled',
  'rolled_back',
  'rollback_failed',
])

export const TASK_STATUSES = [
  'pending',
  'in_progress',
  'done',
  'failed',
  'blocked',
  'skipped',
  'cancelled',
  'undone',
] as const
export const TaskStatus = z.enum(TASK_STATUSES)
export type TaskStatus = z.output<typeof TaskStatus>

/** The states that the reconciler drives a task towards. */
export const DESIRED_STATUSES = ['done', 'cancelled', 'undone'] as const
export const DesiredStatus = z.enum(DESIRED_STATUSES)
export type DesiredStatus = z.output<typeof DesiredStatus>

/**
 * act: one action by an executor; solve: a question for a model; approve and review: a person decides; choose: a person
 * says what the words mean.
 */
export const TASK_KINDS = ['act', 'solve', 'approve', 'review', 'choose'] as const
export const TaskKind = z.enum(TASK_KINDS)
export type TaskKind = z.output<typeof TaskKind>

export const CAPABILITIES = ['act', 'solve', 'human'] as const
export const Capability = z.enum(CAPABILITIES)
export type Capability = z.output<typeof Capability>

export const APPROVAL_STATUSES = ['pending', 'approved', 'denied', 'expired', 'used', 'cancelled'] as const
export const ApprovalStatus = z.enum(APPROVAL_STATUSES)
export type ApprovalStatus = z.output<typeof ApprovalStatus>

/** How an answer was found; `error` if no solution was found. */
export const METHODS = ['autonomous', 'cached', 'llm_assisted', 'fallback', 'error'] as const
export const Method = z.enum(METHODS)
export type Method = z.output<typeof Method>
