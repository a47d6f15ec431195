/** All templates, with the scores of the calling tenant. */
import type { Handler } from '@deed/mesh/bus'
import type { listTemplates as contract } from '@deed/proto/template'
import type { LearnedScores } from '../choosing/learned-scores.ts'
import type { Catalogue } from '../templates/catalogue.ts'

interface Dependencies {
  catalogue: Catalogue
  scores: LearnedScores
}

export function listTemplates({ catalogue, scores }: Dependencies): Handler<typeof contract> {
  return async ({ language, task_type }, { principal: { tenant } }) => {
    scores.refresh()
    const templates = catalogue.templates
      .filter((template) => language === undefined || template.language === language)
      .filter(({ taskType }) => task_type === undefined || taskType === task_type)
      .map(({ id, version, language, taskType, description }) => {
        const score = scores.of(tenant, id, version)
        return {
          id,
          version,
          language,
          task_type: taskType,
          description,
          usage_count: score?.usageCount ?? 0,
          success_rate: score?.successRate ?? null,
          last_used_at: score === undefined ? null : new Date(score.lastUsedAt).toISOString(),
        }
      })
    return { templates }
  }
}
