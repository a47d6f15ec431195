/** How a template did, by day, for the calling tenant. */
import type { Handler } from '@deed/mesh/bus'
import type { templateHistory as contract } from '@deed/proto/template'
import type { Store } from '@deed/store/database'
import { readTemplateDays } from '../store/template-outcomes.ts'

export function templateHistory({ store }: { store: Pick<Store<unknown>, 'query'> }): Handler<typeof contract> {
  return async (input, { principal: { tenant } }) => ({ days: await readTemplateDays(store, tenant, input) })
}
