/** What the templates of the calling tenant are worth. */
import type { Handler } from '@deed/mesh/bus'
import type { analyzeTemplates as contract } from '@deed/proto/template'
import type { Store } from '@deed/store/database'
import { analyze } from '../choosing/analyze.ts'
import type { LearnedScores } from '../choosing/learned-scores.ts'
import { readDays } from '../store/template-outcomes.ts'
import type { Catalogue } from '../templates/catalogue.ts'

interface Dependencies {
  catalogue: Catalogue
  scores: LearnedScores
  store: Pick<Store<unknown>, 'query'>
}

export function analyzeTemplates({ catalogue, scores, store }: Dependencies): Handler<typeof contract> {
  return async ({ days }, { principal: { tenant } }) => {
    scores.refresh()
    return analyze({
      templates: catalogue.templates,
      scoreOf: ({ id, version }) => scores.of(tenant, id, version),
      days: await readDays(store, tenant, days),
      now: Date.now(),
    })
  }
}
