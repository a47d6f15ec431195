/** Picks the best template for a task, from memory alone. */
import type { Handler } from '@deed/mesh/bus'
import type { selectTemplate as contract } from '@deed/proto/template'
import { chooseTemplate } from '../choosing/choose-template.ts'
import { inferTaskType } from '../choosing/infer-task-type.ts'
import type { LearnedScores } from '../choosing/learned-scores.ts'
import { namedLanguage } from '../choosing/named-language.ts'
import { seededRandom } from '../choosing/seeded-random.ts'
import type { Catalogue } from '../templates/catalogue.ts'

/** Below this confidence the task type is treated as unknown. */
const CONFIDENCE_MIN = 0.3

interface Dependencies {
  catalogue: Catalogue
  scores: LearnedScores
}

export function selectTemplate({ catalogue, scores }: Dependencies): Handler<typeof contract> {
  return async ({ task, language, complexity, seed }, { principal: { tenant } }) => {
    scores.refresh()
    const { taskType, confidence } = inferTaskType(task)
    const { template, score, alternatives } = chooseTemplate(
      catalogue,
      {
        taskType: confidence < CONFIDENCE_MIN ? 'general' : taskType,
        language: language ?? namedLanguage(task),
        complexity,
      },
      task,
      ({ id, version }) => scores.of(tenant, id, version),
      Date.now(),
      seed === undefined ? Math.random : seededRandom(seed),
    )
    const { id, version } = template
    return { id, version, task_type: taskType, language: template.language, confidence, score, alternatives }
  }
}
