/** The kinds of action that a model is offered for a task: models plan better with fewer. */
import type { AgentTask } from '@deed/proto/agent'
import { KINDS, plannedTargets } from '@deed/proto/kinds'
import { operationOf } from '../rules/operation-of.ts'
import type { World } from '../rules/vocabulary.ts'

/** @returns the kinds that a model may plan, in catalogue order */
export function kindsFor(task: AgentTask, { targets }: World): string[] {
  const said = [task.description, ...(task.acceptance_criteria ?? []), task.template?.body ?? ''].join('\n')
  const operation = operationOf(task.description, { targets })
  const only = operation?.whole ? targets[operation.target]?.type : undefined
  const types = Object.values(targets).map(({ type }) => type)
  return Object.entries(KINDS).flatMap(([kind, facts]) => {
    if (!facts.input) return []
    const fitting = plannedTargets(facts)
    if (only !== undefined) return fitting?.includes(only) ? [kind] : []
    if (fitting && !types.some((type) => fitting.includes(type))) return []
    return facts.words?.test(said) === false ? [] : [kind]
  })
}
