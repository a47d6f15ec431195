import type { Bus, Handler } from '@deed/mesh/bus'
import { SERVICES, type ServiceName } from '@deed/proto/contract'
import type { listWorkers as contract } from '@deed/proto/worker'
import type { z } from 'zod'
import { readWorkers } from '../store/agents.ts'
import type { Database } from '../store/schema.ts'
import { WORKERS } from './require-worker.ts'

type Services = z.output<typeof contract.output>['services']

/** Once all have answered that answered the last time: so long for one that began since. */
const LATE_MS = 20

export function listWorkers({ db, bus }: { db: Database; bus: Bus }): Handler<typeof contract> {
  const answering = answeringServices(bus)
  return async ({ gone, limit, cursor }, { principal: { tenant } }) => {
    const [found, services] = await Promise.all([
      readWorkers(db, tenant, { gone, limit, cursor }),
      cursor === undefined ? answering() : [],
    ])
    const workers = found.slice(0, limit).map((worker) => ({ ...worker, service: WORKERS[worker.capability] ?? null }))
    return { workers, services, next_cursor: found.length > limit ? (workers.at(-1)?.worker_id ?? null) : null }
  }
}

/** Waits for those that answered the last time, and for as long as others still answer if one of them does not. */
function answeringServices({ nc }: Bus): () => Promise<Services> {
  let known: readonly string[] = []
  const collect = async (soon: (found: Services) => void): Promise<Services> => {
    const found: Services = []
    const missing = new Set(known)
    for await (const { name, id: instance, version } of await nc.services.client().ping()) {
      if (!isService(name)) continue
      found.push({ service: name, instance, version })
      if (missing.delete(instance) && missing.size === 0) setTimeout(() => soon(found), LATE_MS)
    }
    known = found.map(({ instance }) => instance)
    return found
  }
  return async () => {
    const early = Promise.withResolvers<Services>()
    const found = await Promise.race([collect(early.resolve), early.promise])
    return found.toSorted((a, b) => SERVICES.indexOf(a.service) - SERVICES.indexOf(b.service))
  }
}

const isService = (name: string): name is ServiceName => (SERVICES as readonly string[]).includes(name)
