/**
 * The built-in alert rules, as data: the orchestrator evaluates them, and the rules for Prometheus are made from them.
 * docs/runbook.md says of each what to do.
 */
import type { AlertSeverity } from './alert.ts'
import type { FactName } from './metrics.ts'

export const COMPARISONS = ['>', '>=', '<', '<='] as const
export type Comparison = (typeof COMPARISONS)[number]

/** Fires while the values of a metric compare so with the threshold. Times are in seconds. */
export interface AlertRule {
  /** Of the alert: the last token of its subject, and in Prometheus as one word. */
  readonly name: string
  readonly metric: FactName
  /** Only the values with these labels. */
  readonly labels?: Readonly<Record<string, string>>
  /** An alert for each value of this label. Absent: one, about the sum of all values. */
  readonly by?: string
  /** Compares by how much a counter grew in this time. Absent: the value itself. */
  readonly over_seconds?: number
  readonly comparison: Comparison
  readonly threshold: number
  /** It fires when this has been so for so long. */
  readonly for_seconds: number
  /** It is resolved when it has not been so for so long. */
  readonly resolve_seconds: number
  readonly severity: AlertSeverity
  /** A sentence: what is wrong. */
  readonly summary: string
  /** A page, or a line, that says what to do. */
  readonly runbook: string
}

export const RUNBOOK = 'docs/runbook.md'

const MINUTE = 60
const HOUR = 3_600
/** How long a count of what may never happen is reported. */
const ANY = { over_seconds: HOUR, comparison: '>', threshold: 0, for_seconds: 0, resolve_seconds: 0 } as const
const LASTING = { comparison: '>', for_seconds: 2 * MINUTE, resolve_seconds: MINUTE } as const

const BUILT_IN: readonly Omit<AlertRule, 'runbook'>[] = [
  {
    name: 'false-success',
    metric: 'deed_false_success_total',
    ...ANY,
    severity: 'critical',
    summary: 'An execution ended as done although a task of it is not done with evidence.',
  },
  {
    name: 'unverified-done',
    metric: 'deed_unverified_done_total',
    ...ANY,
    threshold: 10,
    severity: 'warning',
    summary: 'More than ten executions in an hour were done without being verified against the words of their task.',
  },
  {
    name: 'duplicate-effect',
    metric: 'deed_duplicate_effects_total',
    ...ANY,
    severity: 'critical',
    summary: 'An effect was made again after an earlier attempt had made it and seen it.',
  },
  {
    name: 'rollback-failed',
    metric: 'deed_reviews_open',
    labels: { cause: 'undo' },
    ...LASTING,
    threshold: 0,
    for_seconds: 0,
    severity: 'critical',
    summary: 'An effect could not be undone, and waits for a person.',
  },
  {
    name: 'approval-waiting',
    metric: 'deed_approval_oldest_seconds',
    by: 'level',
    ...LASTING,
    threshold: 15 * MINUTE,
    for_seconds: 0,
    severity: 'warning',
    summary: 'An approval has waited for a person for more than fifteen minutes.',
  },
  {
    name: 'review-open',
    metric: 'deed_reviews_open',
    ...LASTING,
    threshold: 0,
    for_seconds: HOUR,
    severity: 'warning',
    summary: 'Reviews have waited for a person for an hour.',
  },
  {
    name: 'execution-stuck',
    metric: 'deed_executions_stuck',
    ...LASTING,
    threshold: 0,
    severity: 'warning',
    summary: 'Executions have made no progress for ten minutes, and wait for nobody.',
  },
  {
    name: 'oldest-ready',
    metric: 'deed_oldest_ready_seconds',
    ...LASTING,
    threshold: 2 * MINUTE,
    severity: 'warning',
    summary: 'A task that only needs a worker has waited for more than two minutes.',
  },
  {
    name: 'no-workers',
    metric: 'deed_worker_slots',
    by: 'capability',
    comparison: '<',
    threshold: 1,
    for_seconds: MINUTE,
    resolve_seconds: 0,
    severity: 'critical',
    summary: 'No live worker takes such tasks.',
  },
  {
    name: 'reconcile-lag',
    metric: 'deed_reconcile_lag_seconds',
    ...LASTING,
    threshold: 30,
    severity: 'warning',
    summary: 'Executions are checked more than half a minute late.',
  },
  {
    name: 'intake-lag',
    metric: 'deed_intake_pending',
    by: 'stream',
    ...LASTING,
    threshold: 1_000,
    for_seconds: 5 * MINUTE,
    severity: 'warning',
    summary: 'More than a thousand messages have waited in a stream for five minutes.',
  },
  {
    name: 'redeliveries',
    metric: 'deed_redelivered_pending',
    by: 'stream',
    ...LASTING,
    threshold: 10,
    for_seconds: 5 * MINUTE,
    severity: 'warning',
    summary: 'More than ten messages were delivered again and again for five minutes.',
  },
  {
    name: 'budget-nearly-spent',
    metric: 'deed_budget_used_ratio',
    by: 'scope',
    ...LASTING,
    threshold: 0.8,
    for_seconds: 0,
    severity: 'warning',
    summary: 'A tenant has used more than 80 % of its budget for models.',
  },
  {
    name: 'audit-anchor-old',
    metric: 'deed_audit_anchor_age_seconds',
    ...LASTING,
    threshold: MINUTE,
    severity: 'warning',
    summary: 'Executions have waited for an anchor of the audit log for more than a minute.',
  },
  {
    name: 'target-down',
    metric: 'deed_services',
    by: 'service',
    comparison: '<',
    threshold: 1,
    for_seconds: MINUTE,
    resolve_seconds: 0,
    severity: 'critical',
    summary: 'No process of the service answers.',
  },
]

export const BUILT_IN_RULES: readonly AlertRule[] = BUILT_IN.map((rule) => ({
  ...rule,
  runbook: `${RUNBOOK}#${rule.name}`,
}))
