/** Events that a person should know about. */
import { z } from 'zod'
import { event, request } from './contract.ts'
import { ExecutionId } from './ids.ts'
import { JsonObject } from './json.ts'

/** The kind of event: the last token of the subject, after the tenant. */
export const AlertName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)

export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const
export const AlertSeverity = z.enum(ALERT_SEVERITIES)
export type AlertSeverity = z.output<typeof AlertSeverity>

/**
 * One cause has one `alert_id`, however often it is detected: a receiver that remembers ids notifies people once.
 * Alerts are published live, at most once; their content can be read again at its source.
 */
export const alert = event({
  subject: 'alerts.*.*',
  owner: 'orchestrator',
  summary: "An event that needs a person's attention.",
  payload: z.object({
    alert_id: z.uuid(),
    name: AlertName,
    at: z.iso.datetime(),
    tenant: z.string(),
    execution_id: ExecutionId.optional(),
    severity: AlertSeverity,
    /** A sentence: the problem, and what to do about it. */
    message: z.string().max(4_096),
    data: JsonObject.default({}),
  }),
})
export type Alert = z.output<typeof alert.payload>

/** A rule whose metric compares with its threshold: `pending` until that has lasted as long as the rule says. */
export const RuleState = z.object({
  name: AlertName,
  state: z.enum(['pending', 'firing']),
  /** Which values of the metric: one alert for each. */
  labels: z.record(z.string(), z.string()),
  severity: AlertSeverity,
  value: z.number(),
  since: z.iso.datetime(),
  summary: z.string(),
  runbook: z.string(),
  /** Nobody is told of it until the silence ends. */
  silenced: z.boolean(),
})
export type RuleState = z.output<typeof RuleState>

/** While it lasts, nobody is told of the alert. */
export const Silence = z.object({
  name: AlertName,
  until: z.iso.datetime(),
  reason: z.string(),
  by: z.string(),
})
export type Silence = z.output<typeof Silence>

/** Rules about the whole mesh, for its operator. */
export const listAlerts = request({
  subject: 'alert.list',
  owner: 'orchestrator',
  summary: 'The alert rules that fire or are about to, and the silences.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ alerts: z.array(RuleState), silences: z.array(Silence) }),
})

const SILENCE_DAYS_MAX = 30

/** Replaces an earlier silence of the same alert. What fires at its end is told then. */
export const silenceAlert = request({
  subject: 'alert.silence',
  owner: 'orchestrator',
  summary: 'Tell nobody of an alert until a time.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    name: AlertName,
    until: z.iso
      .datetime({ offset: true })
      .refine((time) => Date.parse(time) > Date.now(), 'must be in the future')
      .refine(
        (time) => Date.parse(time) < Date.now() + SILENCE_DAYS_MAX * 86_400_000,
        `must be within ${SILENCE_DAYS_MAX} days`,
      ),
    reason: z.string().max(4_096).default(''),
  }),
  output: Silence,
})

export const unsilenceAlert = request({
  subject: 'alert.unsilence',
  owner: 'orchestrator',
  summary: 'End the silence of an alert.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: AlertName }),
  output: z.object({ ended: z.boolean() }),
})
