/** Services whose ways to NATS and to PostgreSQL lead through proxies. */
import type { ServiceName } from '@deed/proto/contract'
import { type ChaosProxy, openChaosProxy } from './chaos-proxy.ts'
import type { Trial } from './fault.ts'
import { losingMessages } from './lose-messages.ts'

export interface Proxies extends AsyncDisposable {
  readonly nats: ChaosProxy
  readonly database: ChaosProxy
}

/** As long as in production, where the way is slow: a lease of the drill's own expires within a few round trips. */
const PATIENT_LEASE_MS = '10000'

/**
 * Restarts the services; `heal` of the mesh takes them off the proxies again, which must come before disposing.
 *
 * @param lost of what the services send to NATS, by subject
 */
export async function throughProxies(
  { mesh, random }: Trial,
  services: readonly ServiceName[],
  { patient = false, lost = () => false }: { patient?: boolean; lost?: (subject: string) => boolean } = {},
): Promise<Proxies> {
  await using opened = new AsyncDisposableStack()
  const { nats_url, database_url } = mesh.mesh.connection
  const nats = opened.use(await openChaosProxy(nats_url, random.next, () => losingMessages(lost)))
  const database = opened.use(await openChaosProxy(database_url, random.next))
  await Promise.all(
    services.map((service) => {
      const { NATS_URL = '', DATABASE_URL = '' } = mesh.mesh.environmentOf(service)
      return mesh.restart(service, {
        NATS_URL: nats.url(NATS_URL),
        DATABASE_URL: database.url(DATABASE_URL),
        ...(patient ? { ORCHESTRATOR_LEASE_MS: PATIENT_LEASE_MS } : {}),
      })
    }),
  )
  const kept = opened.move()
  return { nats, database, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}
