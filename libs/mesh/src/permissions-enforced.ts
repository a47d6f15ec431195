/** Checks that the NATS server enforces the table of permissions, by a subject that nobody may use. */
import type { NatsConnection } from 'nats'

export const PROBE_SUBJECT = 'permissions.probe'

/** @returns false if the server allows a subscription that no service may have */
export async function permissionsEnforced(nc: NatsConnection): Promise<boolean> {
  let refused = false
  const probe = nc.subscribe(PROBE_SUBJECT, {
    callback: (error) => {
      if (error) refused = true
    },
  })
  // A refusal arrives before the answer to this.
  await nc.flush()
  if (!probe.isClosed()) probe.unsubscribe()
  return refused
}
