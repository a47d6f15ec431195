/** Registers the process as a service of the micro protocol, for `nats micro ls`, `info` and `stats`. */
import type { RequestContract } from '@deed/proto/contract'
import type { Log } from '@deed/telemetry/logger'
import type { Msg, NatsConnection, Service, Subscription } from 'nats'
import { z } from 'zod'

const SERVICE_VERSION = '0.1.0'

export interface Endpoints {
  /**
   * Answers the contract's subject, also in the name of every principal.
   *
   * @param onMessage `toThis`: it was sent to this instance, and no other
   */
  add(contract: RequestContract, onMessage: (msg: Msg, toThis: boolean) => void): void
  /** The id of this instance, once it serves anything. */
  instance(): string | undefined
  /** Accepts nothing new. */
  close(): Promise<void>
}

export function openEndpoints(nc: NatsConnection, service: string, log: Log): Endpoints {
  let micro: Promise<Service> | undefined
  let id: string | undefined
  const subscriptions: Subscription[] = []
  /** The number of requests with a named principal, by the subject of the endpoint. */
  const named = new Map<string, number>()
  return {
    add(contract, onMessage) {
      const { subject } = contract
      micro ??= nc.services.add({
        name: service,
        version: SERVICE_VERSION,
        description: `the ${service} of the mesh`,
        queue: service,
        statsHandler: async (endpoint) => ({ named_requests: named.get(endpoint.subject ?? '') ?? 0 }),
      })
      const listen = (to: string, onOne: (msg: Msg) => void): void => {
        const callback = (error: Error | null, msg: Msg) => (error === null ? onOne(msg) : undefined)
        subscriptions.push(nc.subscribe(to, { queue: service, callback }))
      }
      const adding = micro.then((added) => {
        id = added.info().id
        added.addEndpoint(subject.replaceAll('.', '_'), {
          subject,
          metadata: metadataOf(contract),
          handler: (error, msg) => (error === null ? onMessage(msg, false) : undefined),
        })
        listen(`${subject}.*.*`, (msg) => {
          named.set(subject, (named.get(subject) ?? 0) + 1)
          onMessage(msg, false)
        })
        if (!contract.each) return
        for (const to of [`${subject}.${id}`, `${subject}.*.*.${id}`]) listen(to, (msg) => onMessage(msg, true))
      })
      adding.catch((error: unknown) => log.error({ err: error, subject }, 'serving a subject failed'))
    },
    instance: () => id,
    async close() {
      const added = await micro?.catch(() => undefined)
      await Promise.all([added?.stop(), ...subscriptions.map((subscription) => subscription.drain())])
    },
  }
}

function metadataOf({ summary, subject, timeoutMs, idempotent, input, output }: RequestContract) {
  return {
    description: summary,
    named_subject: `${subject}.<tenant>.<user>`,
    timeout_ms: String(timeoutMs),
    idempotent: String(idempotent),
    // The wire format: fields with a default may be omitted.
    request_schema: JSON.stringify(z.toJSONSchema(input, { io: 'input' })),
    response_schema: JSON.stringify(z.toJSONSchema(output, { io: 'input' })),
  }
}
