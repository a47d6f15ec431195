/**
 * Every metric of the mesh: one table, from which the exporters, the alert rules, the dashboards and docs/metrics.md are
 * made. Units are base units, and no label has an id, a tenant or words of a task.
 */
import { CONSOLE_REFUSALS } from './console.ts'
import { SERVICES } from './contract.ts'
import { GOAL_STATUSES } from './goal.ts'
import { KINDS } from './kinds.ts'
import { ReviewCause } from './person.ts'
import { EXECUTION_STATUSES, METHODS, TASK_STATUSES } from './states.ts'

/** Replaces the value of a label that is not among the known ones, or would be one too many. */
export const OTHER = 'other'

/** What a label may say: a known list, or the first so many that occur. */
export type LabelValues = readonly string[] | { readonly first: number }

export interface MetricFacts {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /**
   * `process`: each process counts its own work. `database`: a fact about the whole mesh, which one orchestrator exports
   * for all, so that sums are true; the alert rules of `execution.yaml` may name these.
   */
  readonly of: 'process' | 'database'
  readonly unit?: 'seconds' | 'usd' | 'ratio'
  readonly help: string
  readonly labels?: Readonly<Record<string, LabelValues>>
  /** Of a histogram, in its unit. */
  readonly buckets?: readonly number[]
  /** The services that export it; of `process` metrics only. */
  readonly by?: readonly (typeof SERVICES)[number][]
  /** It is exported under this condition only. */
  readonly only?: string
}

const CALLS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const WORK = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600]
/** An observation waits for a few minutes at most. */
const OBSERVATION = WORK.filter((seconds) => seconds <= 300)
const PEOPLE = [10, 30, 60, 300, 900, 3_600, 14_400, 86_400]

const KIND = Object.keys(KINDS)
const LEVELS = ['1', '2', '3'] as const
const MODELS = { first: 20 }
const ENDED = ['done', 'failed', 'denied', 'cancelled', 'rolled_back', 'rollback_failed'] as const
/** Of contracts, not of messages. */
const SUBJECTS = { first: 100 }

const table = <const Table extends Record<string, MetricFacts>>(metrics: Table): Table => metrics

export const METRICS = table({
  deed_executions_total: {
    type: 'counter',
    of: 'process',
    by: ['orchestrator'],
    help: 'Executions that ended.',
    labels: { method: [...METHODS, 'none'], outcome: ENDED },
  },
  deed_execution_duration_seconds: {
    type: 'histogram',
    of: 'process',
    by: ['orchestrator'],
    unit: 'seconds',
    help: 'From the acceptance of an execution to its end.',
    buckets: WORK,
  },
  deed_hop_duration_seconds: {
    type: 'histogram',
    of: 'process',
    by: SERVICES,
    unit: 'seconds',
    help: 'From receiving a request over NATS to its answer.',
    labels: { subject: SUBJECTS },
    buckets: CALLS,
  },
  deed_redeliveries_total: {
    type: 'counter',
    of: 'process',
    by: ['orchestrator', 'executor', 'hybrid-agent'],
    help: 'Messages of a stream that were delivered before.',
    labels: { consumer: SERVICES },
  },
  deed_approval_wait_seconds: {
    type: 'histogram',
    of: 'process',
    by: ['orchestrator'],
    unit: 'seconds',
    help: 'From the request for an approval to the decision of a person.',
    labels: { level: LEVELS },
    buckets: PEOPLE,
  },
  deed_degraded_total: {
    type: 'counter',
    of: 'process',
    by: ['orchestrator'],
    help: 'Executions that were planned without a service, since it did not answer: those with it in `metrics.degraded`.',
    labels: { service: SERVICES },
    only: 'a service was done without',
  },
  deed_reports_refused_total: {
    type: 'counter',
    of: 'process',
    by: ['orchestrator'],
    help: "Reports of workers that were refused, since the executor's ledger contradicts them.",
  },
  deed_actions_total: {
    type: 'counter',
    of: 'process',
    by: ['executor'],
    help: 'Attempts at actions and at their undo that ended.',
    labels: { kind: KIND, intent: ['do', 'undo'], outcome: ['done', 'failed'] },
  },
  deed_action_duration_seconds: {
    type: 'histogram',
    of: 'process',
    by: ['executor'],
    unit: 'seconds',
    help: 'One attempt at an action or its undo, with its observations.',
    labels: { kind: KIND },
    buckets: WORK,
  },
  deed_observation_duration_seconds: {
    type: 'histogram',
    of: 'process',
    by: ['executor'],
    unit: 'seconds',
    help: 'From the first observation of a target to the one that counts.',
    labels: { kind: KIND },
    buckets: OBSERVATION,
  },
  deed_lease_takeovers_total: {
    type: 'counter',
    of: 'process',
    by: ['executor'],
    help: 'Attempts that continued what an earlier one had left in doubt.',
    labels: { kind: KIND },
  },
  deed_model_calls_total: {
    type: 'counter',
    of: 'process',
    by: ['hybrid-agent'],
    help: 'Calls of models that ended.',
    labels: { model: MODELS, outcome: ['solved', 'refused', 'failed'] },
    only: 'a model was called',
  },
  deed_model_call_duration_seconds: {
    type: 'histogram',
    of: 'process',
    by: ['hybrid-agent'],
    unit: 'seconds',
    help: 'From a question to the answer of the model.',
    labels: { model: MODELS },
    buckets: WORK,
    only: 'a model was called',
  },
  deed_model_tokens_total: {
    type: 'counter',
    of: 'process',
    by: ['hybrid-agent'],
    help: 'Tokens of model calls, as the model server counted them.',
    labels: { model: MODELS, type: ['input', 'output'] },
    only: 'a model was called',
  },
  deed_model_cost_usd_total: {
    type: 'counter',
    of: 'process',
    by: ['hybrid-agent'],
    unit: 'usd',
    help: 'What model calls were charged with.',
    labels: { model: MODELS },
    only: 'a model was called',
  },
  deed_cache_requests_total: {
    type: 'counter',
    of: 'process',
    by: ['semantic-cache'],
    help: 'Questions to the cache.',
    labels: { tier: ['exact', 'semantic'], result: ['hit', 'miss'] },
  },
  deed_console_refusals_total: {
    type: 'counter',
    of: 'process',
    by: ['console'],
    help: 'Requests that the console refused, and its live connections that it closed for what their client did.',
    labels: { reason: CONSOLE_REFUSALS },
  },
  deed_console_dropped_events_total: {
    type: 'counter',
    of: 'process',
    by: ['console'],
    help: 'Events that were not sent to an open page, since it read too slowly.',
  },
  deed_build_info: {
    type: 'gauge',
    of: 'process',
    by: SERVICES,
    help: 'Always 1; its labels say what runs.',
    labels: { service: SERVICES, version: { first: 1 }, revision: { first: 1 } },
  },

  deed_exporter: {
    type: 'gauge',
    of: 'database',
    help: 'Always 1: this process exports the facts about the whole mesh.',
  },
  deed_false_success_total: {
    type: 'counter',
    of: 'database',
    help: 'Executions that ended as done although a task of theirs is not done with evidence.',
  },
  deed_unverified_done_total: {
    type: 'counter',
    of: 'database',
    help: 'Executions that ended as done, and whose result was not verified against the words of the task.',
  },
  deed_duplicate_effects_total: {
    type: 'counter',
    of: 'database',
    help: 'Effects that were made again after an earlier attempt had made them and seen them.',
  },
  deed_rollbacks_total: {
    type: 'counter',
    of: 'database',
    help: 'Rollbacks that ended.',
    labels: { outcome: ['rolled_back', 'rollback_failed'] },
  },
  deed_open_executions: {
    type: 'gauge',
    of: 'database',
    help: 'Executions that have not ended.',
    labels: { status: EXECUTION_STATUSES.slice(0, 5) },
  },
  deed_executions_stuck: {
    type: 'gauge',
    of: 'database',
    help: 'Executions without progress for ten minutes that wait neither for a person nor for a worker at work.',
  },
  deed_tasks: {
    type: 'gauge',
    of: 'database',
    help: 'Tasks of executions that have not ended.',
    labels: { status: TASK_STATUSES },
  },
  deed_tasks_ready: {
    type: 'gauge',
    of: 'database',
    help: 'Tasks that only wait for a worker.',
    labels: { capability: ['act', 'solve'] },
  },
  deed_oldest_ready_seconds: {
    type: 'gauge',
    of: 'database',
    unit: 'seconds',
    help: 'How long the oldest of the ready tasks has waited for a worker.',
  },
  deed_worker_slots: {
    type: 'gauge',
    of: 'database',
    help: 'Slots of live workers.',
    labels: { capability: ['act', 'solve'], state: ['free', 'busy'] },
  },
  deed_reconcile_lag_seconds: {
    type: 'gauge',
    of: 'database',
    unit: 'seconds',
    help: 'How late the most overdue check of an execution is.',
  },
  deed_intake_pending: {
    type: 'gauge',
    of: 'database',
    help: 'Messages that wait in a stream.',
    labels: { stream: ['intake', 'work'] },
  },
  deed_redelivered_pending: {
    type: 'gauge',
    of: 'database',
    help: 'Messages that were delivered more than once and are not acknowledged yet.',
    labels: { stream: ['intake', 'work'] },
  },
  deed_approval_oldest_seconds: {
    type: 'gauge',
    of: 'database',
    unit: 'seconds',
    help: 'How long the oldest open approval has waited for a person; 0 without one.',
    labels: { level: LEVELS },
  },
  deed_reviews_open: {
    type: 'gauge',
    of: 'database',
    help: 'Reviews that wait for a person.',
    labels: { cause: ReviewCause.options },
  },
  deed_goals: { type: 'gauge', of: 'database', help: 'Goals.', labels: { state: [...GOAL_STATUSES, 'paused'] } },
  deed_budget_used_ratio: {
    type: 'gauge',
    of: 'database',
    unit: 'ratio',
    help: 'The part of the budget for models that is spent or reserved, of the tenant that has used most of it.',
    labels: { scope: ['day'] },
    only: '`models.budget_usd_per_day` is set',
  },
  deed_audit_anchor_age_seconds: {
    type: 'gauge',
    of: 'database',
    unit: 'seconds',
    help: 'How long the oldest execution since the last anchor of the audit log has waited for one.',
  },
  deed_services: {
    type: 'gauge',
    of: 'database',
    help: 'Processes of a service that answer over NATS.',
    labels: { service: SERVICES },
  },
  deed_alerts_open: {
    type: 'gauge',
    of: 'database',
    help: 'Alert rules that fire.',
    labels: { name: { first: 200 } },
  },
})

export type MetricName = keyof typeof METRICS
/** The names of the metrics of one family and type. */
export type MetricOf<Of extends MetricFacts['of'], Type extends MetricFacts['type'] = MetricFacts['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name] extends { of: Of; type: Type } ? Name : never
}[MetricName]
export type FactName = MetricOf<'database'>

/** The labels of a metric, each with text. */
export type LabelsOf<Name extends MetricName> = (typeof METRICS)[Name] extends { labels: infer Labels }
  ? { readonly [Label in keyof Labels]: string }
  : { readonly [Label in never]: string }

export const metricFacts = (name: string): MetricFacts | undefined =>
  Object.hasOwn(METRICS, name) ? METRICS[name as MetricName] : undefined
