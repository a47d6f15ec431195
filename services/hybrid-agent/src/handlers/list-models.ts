import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Handler } from '@deed/mesh/bus'
import type { listModels as contract } from '@deed/proto/model'
import type { Store } from '@deed/store/database'
import { categoriesOf } from '../models/categories.ts'
import { rankModels } from '../models/choose-models.ts'
import type { CircuitBreaker } from '../models/circuit-breaker.ts'
import type { OfferedModels } from '../models/offered-models.ts'
import { readModelRecords } from '../store/model-records.ts'

interface Dependencies {
  store: Pick<Store<unknown>, 'query'>
  offered: Pick<OfferedModels, 'list'>
  breaker: Pick<CircuitBreaker, 'isOpen'>
  models: ExecutionConfig['models']
}

const LIST_MS_MAX = 5_000

export function listModels({ store, offered, breaker, models: settings }: Dependencies): Handler<typeof contract> {
  return async (_, { principal: { tenant } }) => {
    const [{ models, troubles }, records] = await Promise.all([
      offered.list(AbortSignal.timeout(LIST_MS_MAX)),
      readModelRecords(store, tenant),
    ])
    const ranked = rankModels(models, settings, 'general', records)
    return {
      models: ranked.map(({ model, success, score, median_ms }) => {
        const own = records.filter((record) => record.model === model.name)
        const sum = (of: 'solved' | 'verified' | 'unsolved' | 'microusd'): number =>
          own.reduce((total, record) => total + record[of], 0)
        return {
          model: model.name,
          provider: model.provider,
          categories: [...categoriesOf(model, settings)],
          bytes: model.provider === 'ollama' ? model.bytes : null,
          health: breaker.isOpen(model.name, performance.now()) ? 'resting' : 'ready',
          price: settings.prices[model.name] ?? null,
          ...{ success, score, median_ms },
          calls: sum('solved') + sum('unsolved'),
          solved: sum('solved'),
          verified: sum('verified'),
          cost_usd: sum('microusd') / 1_000_000,
        }
      }),
      troubles,
    }
  }
}
