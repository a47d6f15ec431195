/** Whether the NATS server holds this connection to the table of permissions, found out by a subject that nobody may use. */
import type { NatsConnection } from 'nats'

export const PROBE_SUBJECT = 'permissions.probe'

/** @returns false where the server lets through what no service may subscribe to */
export async function permissionsEnforced(nc: NatsConnection): Promise<boolean> {
  let refused = false
  const probe = nc.subscribe(PROBE_SUBJECT, {
    callback: (error) => {
      if (error) refused = true
    },
  })
  // A refusal comes before the answer to this.
  await nc.flush()
  if (!probe.isClosed()) probe.unsubscribe()
  return refused
}
