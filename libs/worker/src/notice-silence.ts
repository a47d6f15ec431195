/**
 * Alerts people that no orchestrator is running. Only the senders of heartbeats can notice that: the alert goes at once
 * to listeners on `alerts.>`, and to the webhooks when an orchestrator is back.
 */

import type { Bus } from '@deed/mesh/bus'
import { type Raised, raiseAlert } from '@deed/mesh/raise-alert'
import { readPayload } from '@deed/mesh/read-payload'
import { type Alert, alert } from '@deed/proto/alert'
import { LOCAL } from '@deed/proto/ids'

/**
 * Counted from the first heartbeat that was unanswered for most of a lease; a worker that was frozen itself has its
 * answer by then.
 */
const GRACE_MS = 5_000
export const SILENT_ALERT = 'no-orchestrator'
export const BACK_ALERT = 'orchestrator-back'

export interface SilenceNotice extends Disposable {
  /** An orchestrator has answered a heartbeat. */
  answered(): void
  unanswered(): void
}

/** Several workers that notice the same silence raise one alert, with one id. */
export function noticeSilence(bus: Pick<Bus, 'announce' | 'nc'>, clock = () => Date.now()): SilenceNotice {
  let answeredAt = clock()
  /** When the first heartbeat timed out. */
  let silentAt: number | undefined
  /** The cause of the raised alert, by this worker or another: the beginning of the silence. */
  let reportedSince: string | undefined
  let connected = true

  const raise = (name: string, severity: Alert['severity'], message: string, cause: string): void => {
    const raised: Raised = { name, severity, tenant: LOCAL.tenant, message, cause, data: { since: cause } }
    raiseAlert(bus, raised)
  }
  const raiseSilence = (cause: string): void =>
    raise(
      SILENT_ALERT,
      'critical',
      `no orchestrator has answered since ${cause}: work waits; start one, or check NATS and PostgreSQL`,
      cause,
    )
  const subscription = bus.nc.subscribe(alert.subject.replace('*.*', `*.${SILENT_ALERT}`), {
    callback(error, msg) {
      const cause = readPayload(alert, error, msg)?.data.since
      if (silentAt !== undefined && typeof cause === 'string') reportedSince ??= cause
    },
  })
  void (async () => {
    for await (const { type } of bus.nc.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue
      // Without NATS no message arrives; that is reported elsewhere.
      connected = type === 'reconnect'
      answeredAt = clock()
      silentAt = undefined
    }
  })()
  return {
    answered() {
      answeredAt = clock()
      silentAt = undefined
      if (reportedSince === undefined) return
      // Repeated for the webhooks, which orchestrators call.
      raiseSilence(reportedSince)
      raise(BACK_ALERT, 'info', `an orchestrator answers again, after silence since ${reportedSince}`, reportedSince)
      reportedSince = undefined
    },
    unanswered() {
      if (!connected) return
      silentAt ??= clock()
      if (reportedSince !== undefined || clock() - silentAt < GRACE_MS) return
      reportedSince = new Date(answeredAt).toISOString()
      raiseSilence(reportedSince)
    },
    [Symbol.dispose]: () => subscription.unsubscribe(),
  }
}
