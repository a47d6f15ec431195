/** Learns from an outcome, once per execution and template. */
import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { recordTemplate as contract } from '@deed/proto/template'
import { inferTaskType } from '../choosing/infer-task-type.ts'
import type { LearnedScores } from '../choosing/learned-scores.ts'
import type { ScoreRow, TemplateUse } from '../store/template-outcomes.ts'
import type { Catalogue } from '../templates/catalogue.ts'

interface Dependencies {
  catalogue: Catalogue
  scores: LearnedScores
  /** Resolves when the outcome is durable. */
  recordUse: (use: TemplateUse) => Promise<ScoreRow>
}

export function recordTemplate({ catalogue, scores, recordUse }: Dependencies): Handler<typeof contract> {
  return async (input, { principal: { tenant } }) => {
    const { template_id: templateId, metrics } = input
    const current = catalogue.get(templateId)
    if (current === undefined) {
      throw new DeedError('not_found', `there is no template ${templateId}; template.list returns the known ones`, {
        path: '$.template_id',
      })
    }
    const score = await recordUse({
      tenant,
      // Without an execution id duplicates cannot be detected: each outcome counts.
      executionId: input.execution_id ?? crypto.randomUUID(),
      templateId,
      templateVersion: input.template_version ?? current.version,
      taskType: inferTaskType(input.task).taskType,
      success: metrics.success,
      timeMs: metrics.time_ms,
      quality: metrics.quality,
      costUsd: metrics.cost_usd,
    })
    scores.keep([score])
    return {
      template_id: templateId,
      usage_count: score.usageCount,
      success_rate: score.successRate,
      average_ms: score.averageMs,
      quality: score.quality,
    }
  }
}
