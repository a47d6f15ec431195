/** What NATS alone knows of the mesh: how much waits in the streams, and which services answer. */
import type { Bus } from '@deed/mesh/bus'
import { INTAKE_CONSUMER } from '@deed/mesh/work-queue'
import { workAct } from '@deed/proto/action'
import { workSolve } from '@deed/proto/agent'
import { SERVICES } from '@deed/proto/contract'
import { intakeStream } from '@deed/proto/execution'
import type { Fact } from '@deed/telemetry/metric-registry'

/** @throws if JetStream does not answer */
export async function meshFacts({ nc }: Bus, tenants: readonly string[]): Promise<Fact[]> {
  const [queues, answering] = await Promise.all([queueFacts(nc, tenants), serviceFacts(nc)])
  return [...queues, ...answering]
}

async function queueFacts(nc: Bus['nc'], tenants: readonly string[]): Promise<Fact[]> {
  const jsm = await nc.jetstreamManager()
  const consumers = [
    ...tenants.map((tenant) => ({ stream: 'intake', of: intakeStream(tenant), consumer: INTAKE_CONSUMER })),
    ...[workAct, workSolve].map(({ stream, consumer }) => ({ stream: 'work', of: stream, consumer })),
  ]
  const sums = new Map<string, { pending: number; redelivered: number }>()
  await Promise.all(
    consumers.map(async ({ stream, of, consumer }) => {
      // A stream that is missing is reported elsewhere.
      const info = await jsm.consumers.info(of, consumer).catch(() => undefined)
      const sum = sums.get(stream) ?? { pending: 0, redelivered: 0 }
      sum.pending += info?.num_pending ?? 0
      sum.redelivered += info?.num_redelivered ?? 0
      sums.set(stream, sum)
    }),
  )
  return [...sums].flatMap(([stream, { pending, redelivered }]): Fact[] => [
    { name: 'deed_intake_pending', labels: { stream }, value: pending },
    { name: 'deed_redelivered_pending', labels: { stream }, value: redelivered },
  ])
}

async function serviceFacts(nc: Bus['nc']): Promise<Fact[]> {
  const counts = new Map<string, number>(SERVICES.map((service) => [service, 0]))
  for await (const { name } of await nc.services.client().ping())
    if (counts.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([service, value]) => ({ name: 'deed_services', labels: { service }, value }))
}
