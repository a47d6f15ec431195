/** Events that a person should know about. */
import { z } from 'zod'
import { event } from './contract.ts'
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
