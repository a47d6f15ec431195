/** A worker reports in the name of its service, which is part of the subject; NATS lets nobody else publish there. */
import type { ServiceName } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import type { Principal } from '@deed/proto/ids'
import { serviceAs } from '@deed/proto/permissions'
import type { Capability } from '@deed/proto/states'

/** Which service does the work of a capability. */
export const WORKERS: Partial<Record<Capability, ServiceName>> = { act: 'executor', solve: 'hybrid-agent' }

/** @throws {DeedError} `forbidden` if another service, or a caller, reports work of this capability */
export function requireWorker({ tenant, user }: Principal, capability: Capability): void {
  const service = WORKERS[capability]
  const worker = service && serviceAs(service)
  if (worker?.tenant === tenant && worker.user === user) return
  throw new DeedError('forbidden', `only ${service ?? 'no service'} may report work of the capability "${capability}"`)
}
