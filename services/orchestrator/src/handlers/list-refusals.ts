import type { Handler } from '@deed/mesh/bus'
import type { listRefusals as contract } from '@deed/proto/audit'
import { readRefusals } from '../store/audit-anchors.ts'
import type { Database } from '../store/schema.ts'

export function listRefusals({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ limit, before }, { principal: { tenant } }) => {
    const rows = await readRefusals(db, tenant, { before, limit })
    return {
      refusals: rows.flatMap(({ number, refusals }) => refusals.map((refusal) => ({ ...refusal, number }))),
      next_before: rows.length < limit ? null : (rows.at(-1)?.number ?? null),
    }
  }
}
