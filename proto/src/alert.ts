/** What a person should know of without having asked. */
import { z } from 'zod'
import { event } from './contract.ts'
import { ExecutionId } from './ids.ts'
import { JsonObject } from './json.ts'

/** What kind of thing happened: the last token of the subject, after the tenant. */
export const AlertName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)

export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const
export const AlertSeverity = z.enum(ALERT_SEVERITIES)
export type AlertSeverity = z.output<typeof AlertSeverity>

/**
 * One cause has one `alert_id`, however often it is found: a receiver that keeps the ids it has seen tells people once.
 * It is told live, at most once; what is in it can be read again where it comes from.
 */
export const alert = event({
  subject: 'alerts.*.*',
  owner: 'orchestrator',
  summary: 'Something that a person should look at.',
  payload: z.object({
    alert_id: z.uuid(),
    name: AlertName,
    at: z.iso.datetime(),
    tenant: z.string(),
    execution_id: ExecutionId.optional(),
    severity: AlertSeverity,
    /** A sentence: what is the case, and what to do about it. */
    message: z.string().max(4_096),
    data: JsonObject.default({}),
  }),
})
export type Alert = z.output<typeof alert.payload>
