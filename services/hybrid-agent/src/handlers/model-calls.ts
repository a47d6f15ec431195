/** What models were asked, and what that cost. */
import type { Handler } from '@deed/mesh/bus'
import type * as proto from '@deed/proto/model'
import type { Store } from '@deed/store/database'
import { readCalls, readDepartments, readModelDays, readToday } from '../store/model-statistics.ts'

type Database = Pick<Store<unknown>, 'query'>

interface Dependencies {
  store: Database
  /** Of a tenant and a day, in dollars; undefined: none. */
  budget: number | undefined
}

export function modelStats({ store, budget }: Dependencies): Handler<typeof proto.modelStats> {
  return async ({ days }, { principal: { tenant } }) => {
    const [rows, today, departments] = await Promise.all([
      readModelDays(store, tenant, days),
      readToday(store, tenant),
      readDepartments(store, tenant),
    ])
    return { days: rows, today: { ...today, budget_usd: budget ?? null }, departments }
  }
}

export function listModelCalls({ store }: { store: Database }): Handler<typeof proto.listModelCalls> {
  return async (input, { principal: { tenant } }) => {
    const found = await readCalls(store, tenant, input)
    const calls = found.slice(0, input.limit)
    const last = found.length > calls.length ? calls.at(-1) : undefined
    return { calls, next_cursor: last ? { task_id: last.task_id, number: last.number } : null }
  }
}
