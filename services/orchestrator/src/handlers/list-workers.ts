import type { Bus, Handler } from '@deed/mesh/bus'
import { SERVICES, type ServiceName } from '@deed/proto/contract'
import type { listWorkers as contract } from '@deed/proto/worker'
import type { z } from 'zod'
import { readWorkers } from '../store/agents.ts'
import type { Database } from '../store/schema.ts'
import { WORKERS } from './require-worker.ts'

type Services = z.output<typeof contract.output>['services']

export function listWorkers({ db, bus }: { db: Database; bus: Bus }): Handler<typeof contract> {
  return async ({ gone, limit, cursor }, { principal: { tenant } }) => {
    const [found, services] = await Promise.all([
      readWorkers(db, tenant, { gone, limit, cursor }),
      cursor === undefined ? answering(bus) : [],
    ])
    const workers = found.slice(0, limit).map((worker) => ({ ...worker, service: WORKERS[worker.capability] ?? null }))
    return { workers, services, next_cursor: found.length > limit ? (workers.at(-1)?.worker_id ?? null) : null }
  }
}

async function answering({ nc }: Bus): Promise<Services> {
  const found: Services = []
  for await (const { name, id: instance, version } of await nc.services.client().ping())
    if (isService(name)) found.push({ service: name, instance, version })
  return found.sort((a, b) => SERVICES.indexOf(a.service) - SERVICES.indexOf(b.service))
}

const isService = (name: string): name is ServiceName => (SERVICES as readonly string[]).includes(name)
