/** Counters of the whole mesh that no process may lose. */
import type { FactName, LabelsOf } from '@deed/proto/metrics'
import type { Database } from './schema.ts'

export interface Total<Name extends FactName = FactName> {
  name: Name
  labels: LabelsOf<Name>
}

/** Adds one to each. A repeat after a lost connection may count it twice. */
export async function addTotals(db: Database, totals: readonly Total[]): Promise<void> {
  await db.query(
    'orchestrator.add_totals',
    `insert into totals as t (name, labels, value)
     select name, labels, count(*) from jsonb_to_recordset($1) as x(name text, labels jsonb) group by name, labels
      order by name, labels
     on conflict (name, labels) do update set value = t.value + excluded.value`,
    [JSON.stringify(totals)],
  )
}
