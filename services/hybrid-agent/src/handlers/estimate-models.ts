import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Handler } from '@deed/mesh/bus'
import type { estimateModels as contract } from '@deed/proto/model'
import type { Store } from '@deed/store/database'
import type { OfferedModels } from '../models/offered-models.ts'
import type { World } from '../rules/vocabulary.ts'
import { estimateCost } from '../solving/estimate-cost.ts'
import { readModelRecords } from '../store/model-records.ts'

interface Dependencies {
  store: Pick<Store<unknown>, 'query'>
  offered: Pick<OfferedModels, 'list'>
  world: World
  models: ExecutionConfig['models']
}

const LIST_MS_MAX = 5_000

export function estimateModels({ store, offered, world, models: settings }: Dependencies): Handler<typeof contract> {
  return async ({ tasks, budget_usd: budget }, { principal: { tenant } }) => {
    const [{ models, troubles }, records] = await Promise.all([
      offered.list(AbortSignal.timeout(LIST_MS_MAX)),
      readModelRecords(store, tenant),
    ])
    return estimateCost(tasks, { world, models, records, settings, budget, troubles })
  }
}
