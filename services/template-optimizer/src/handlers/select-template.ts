/** Picks the best template for a task, from memory alone. */
import type { Handler } from '@deed/mesh/bus'
import type { selectTemplate as contract, TemplateExplanation } from '@deed/proto/template'
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
  return async ({ task, language, complexity, seed, explain }, { principal: { tenant } }) => {
    scores.refresh()
    const { taskType, confidence } = inferTaskType(task)
    const { template, score, alternatives, candidates } = chooseTemplate(
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
    const choice = { id, version, task_type: taskType, language: template.language, confidence, score, alternatives }
    return explain ? { ...choice, explanation: { words: inWords(id, candidates), candidates } } : choice
  }
}

function inWords(id: string, candidates: TemplateExplanation['candidates']): string {
  if (candidates.length === 1) return `${id} is the only template that fits most closely`
  const trusted = candidates.filter(({ stage }) => stage === 'trusted').length
  const out = candidates.filter(({ drawn }) => drawn === null).length
  const waiting = out === 0 ? '' : `; ${out} that are not trusted did not compete this time`
  return `${id} had the highest draw among ${candidates.length - out} of ${candidates.length} templates that fit, ${trusted} of them trusted${waiting}`
}
