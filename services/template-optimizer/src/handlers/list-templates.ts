/** All templates, with the scores of the calling tenant. */
import type { Handler } from '@deed/mesh/bus'
import type { listTemplates as contract } from '@deed/proto/template'
import type { LearnedScores } from '../choosing/learned-scores.ts'
import type { TemplatesInForce } from '../templates/in-force.ts'
import { stageOf } from '../templates/stage.ts'

interface Dependencies {
  inForce: TemplatesInForce
  scores: LearnedScores
}

export function listTemplates({ inForce, scores }: Dependencies): Handler<typeof contract> {
  return async ({ language, task_type }, { principal: { tenant } }) => {
    scores.refresh()
    const now = Date.now()
    const templates = inForce.catalogue.templates
      .filter((template) => language === undefined || template.language === language)
      .filter(({ taskType }) => task_type === undefined || taskType === task_type)
      .map((template) => {
        const { id, version, language, taskType, description, own, risk } = template
        const score = scores.of(tenant, id, version)
        return {
          id,
          version,
          language,
          task_type: taskType,
          description,
          own,
          risk,
          stage: stageOf(template, score, now),
          usage_count: score?.usageCount ?? 0,
          success_rate: score?.successRate ?? null,
          last_used_at: score === undefined ? null : new Date(score.lastUsedAt).toISOString(),
        }
      })
    return { templates, faults: [...inForce.faults] }
  }
}
