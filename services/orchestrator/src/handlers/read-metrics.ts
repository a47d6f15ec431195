import type { Handler } from '@deed/mesh/bus'
import type { readMetrics as contract } from '@deed/proto/metric-samples'
import { type FactSources, readAllFacts } from '../facts/export-facts.ts'
import type { Database } from '../store/schema.ts'

export function readMetrics({ db, ...sources }: FactSources & { db: Database }): Handler<typeof contract> {
  return async () => {
    const facts = await readAllFacts(db, sources)
    return { at: new Date().toISOString(), samples: facts.map((fact) => ({ ...fact, labels: { ...fact.labels } })) }
  }
}
