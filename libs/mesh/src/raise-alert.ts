/** Raises alerts for people. */

import { uuidV5 } from '@deed/json/canonical-json'
import { type Alert, alert } from '@deed/proto/alert'
import type { ExecutionId } from '@deed/proto/ids'
import { defined, type JsonObject } from '@deed/proto/json'
import type { Trace } from '@deed/telemetry/trace-context'
import type { Bus } from './bus.ts'

export interface Raised {
  /** Lower-case words joined by "-": the last token of the subject. */
  name: string
  severity: Alert['severity']
  tenant: string
  /** A sentence: the problem, and what to do about it. */
  message: string
  executionId?: ExecutionId | undefined
  /**
   * Identifies repeats of the same alert, such as the id of a task or the time when a condition began. Absent: the
   * execution, so that a name is raised once per execution.
   */
  cause?: string | undefined
  data?: JsonObject
  /** Of what raises it. */
  trace?: Trace | undefined
}

/** The namespace of alerts' ids: UUIDv5 of the URL namespace and "deed:alert". */
const ALERTS = 'e74d792d-8e1b-5c26-a83e-129c4f3eec45'

/**
 * Publishes an alert on `alerts.<tenant>.<name>`, which is delivered once per cause. It does not wait, and an alert may
 * be lost: its subject is in the tables already, so call it after that commit.
 */
export function raiseAlert(bus: Pick<Bus, 'announce'>, raised: Raised, at = new Date()): void {
  const { name, severity, tenant, message, executionId, cause = executionId ?? '', data = {}, trace } = raised
  const announced: Alert = {
    alert_id: uuidV5(ALERTS, `${tenant}/${name}/${cause}`),
    name,
    at: at.toISOString(),
    tenant,
    ...defined({ execution_id: executionId }),
    severity,
    message,
    data,
  }
  bus.announce(alert, [tenant, name], [announced], trace)
}
