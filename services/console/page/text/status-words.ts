/** Every status of executions, tasks, approvals, decisions, votes, goals, workers, checks and alerts: its word, its sign and its meaning, which is its colour. */
import type { RuleState } from '@deed/proto/alert'
import type { Choice, DecisionStatus } from '@deed/proto/decision'
import type { Check } from '@deed/proto/doctor'
import type { GoalOutcome, GoalStatus } from '@deed/proto/goal'
import type { ApprovalStatus, ExecutionStatus, TaskStatus } from '@deed/proto/states'
import type { WorkerView } from '@deed/proto/worker'

/** good: it holds. bad: it failed. wait: somebody must act. busy: it runs. calm: ended, or not begun. */
export type Meaning = 'good' | 'bad' | 'wait' | 'busy' | 'calm'

export type AnyStatus =
  | ExecutionStatus
  | TaskStatus
  | ApprovalStatus
  | GoalStatus
  | GoalOutcome
  | DecisionStatus
  | Choice
  | WorkerView['status']
  | 'accepted'
  | 'resolved'
  | 'revoked'
  | Check['status']
  | RuleState['state']
  | 'inactive'

export interface StatusWords {
  readonly word: string
  readonly sign: string
  readonly meaning: Meaning
}

const STATUSES: Readonly<Record<AnyStatus, StatusWords>> = {
  planning: { word: 'planning', sign: '◌', meaning: 'busy' },
  accepted: { word: 'accepted', sign: '◌', meaning: 'busy' },
  waiting: { word: 'waiting', sign: '?', meaning: 'wait' },
  running: { word: 'running', sign: '▸', meaning: 'busy' },
  in_progress: { word: 'running', sign: '▸', meaning: 'busy' },
  paused: { word: 'paused', sign: '‖', meaning: 'wait' },
  undoing: { word: 'undoing', sign: '↶', meaning: 'busy' },
  done: { word: 'done', sign: '✓', meaning: 'good' },
  failed: { word: 'failed', sign: '✕', meaning: 'bad' },
  denied: { word: 'denied', sign: '⊘', meaning: 'bad' },
  cancelled: { word: 'cancelled', sign: '–', meaning: 'calm' },
  rolled_back: { word: 'rolled back', sign: '↶', meaning: 'calm' },
  rollback_failed: { word: 'rollback failed', sign: '✕', meaning: 'bad' },
  pending: { word: 'pending', sign: '○', meaning: 'calm' },
  blocked: { word: 'blocked', sign: '!', meaning: 'bad' },
  skipped: { word: 'skipped', sign: '»', meaning: 'calm' },
  undone: { word: 'undone', sign: '↶', meaning: 'calm' },
  approved: { word: 'approved', sign: '✓', meaning: 'good' },
  rejected: { word: 'rejected', sign: '✕', meaning: 'bad' },
  escalated: { word: 'put to a person', sign: '?', meaning: 'wait' },
  approve: { word: 'for it', sign: '✓', meaning: 'good' },
  reject: { word: 'against it', sign: '✕', meaning: 'bad' },
  abstain: { word: 'abstains', sign: '–', meaning: 'calm' },
  expired: { word: 'expired', sign: '–', meaning: 'calm' },
  used: { word: 'used', sign: '✓', meaning: 'calm' },
  resolved: { word: 'resolved', sign: '✓', meaning: 'good' },
  establishing: { word: 'establishing', sign: '◌', meaning: 'busy' },
  active: { word: 'active', sign: '✓', meaning: 'good' },
  inactive: { word: 'inactive', sign: '–', meaning: 'calm' },
  holds: { word: 'holds', sign: '✓', meaning: 'good' },
  drifted: { word: 'drifted', sign: '✕', meaning: 'bad' },
  unknown: { word: 'unknown', sign: '?', meaning: 'wait' },
  revoked: { word: 'revoked', sign: '⊘', meaning: 'calm' },
  idle: { word: 'idle', sign: '○', meaning: 'calm' },
  busy: { word: 'busy', sign: '▸', meaning: 'busy' },
  draining: { word: 'draining', sign: '‖', meaning: 'wait' },
  gone: { word: 'gone', sign: '✕', meaning: 'bad' },
  ok: { word: 'ok', sign: '✓', meaning: 'good' },
  warning: { word: 'warning', sign: '!', meaning: 'wait' },
  problem: { word: 'problem', sign: '✕', meaning: 'bad' },
  firing: { word: 'firing', sign: '✕', meaning: 'bad' },
}

/** A status that the page does not know is shown as it is. */
export const statusWords = (status: string): StatusWords =>
  Object.hasOwn(STATUSES, status)
    ? STATUSES[status as AnyStatus]
    : { word: status.replaceAll('_', ' '), sign: '·', meaning: 'calm' }
