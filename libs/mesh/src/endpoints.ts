/** The process as a service of the micro protocol: what `nats micro ls`, `info` and `stats` show of it. */
import type { RequestContract } from '@deed/proto/contract'
import type { Log } from '@deed/telemetry/logger'
import type { Msg, NatsConnection, Service, Subscription } from 'nats'
import { z } from 'zod'

const SERVICE_VERSION = '0.1.0'

export interface Endpoints {
  /** Answers the contract's subject, in the name of every principal too. */
  add(contract: RequestContract, onMessage: (msg: Msg) => void): void
  /** Takes nothing new. */
  close(): Promise<void>
}

export function openEndpoints(nc: NatsConnection, service: string, log: Log): Endpoints {
  let micro: Promise<Service> | undefined
  const subscriptions: Subscription[] = []
  /** Requests that named their principal, by the subject of the endpoint. */
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
        added.addEndpoint(subject.replaceAll('.', '_'), {
          subject,
          metadata: metadataOf(contract),
          handler: (error, msg) => (error === null ? onMessage(msg) : undefined),
        })
        listen(`${subject}.*.*`, (msg) => {
          named.set(subject, (named.get(subject) ?? 0) + 1)
          onMessage(msg)
        })
        if (contract.each) listen(`${subject}.${added.info().id}`, onMessage)
      })
      adding.catch((error: unknown) => log.error({ err: error, subject }, 'a subject is not served'))
    },
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
    // As it is on the wire: what has a default may be left out.
    request_schema: JSON.stringify(z.toJSONSchema(input, { io: 'input' })),
    response_schema: JSON.stringify(z.toJSONSchema(output, { io: 'input' })),
  }
}
