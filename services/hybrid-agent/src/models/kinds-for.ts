/** The kinds of action that a model is offered for a task: models plan better with fewer. */
import type { AgentTask } from '@deed/proto/agent'
import { KINDS, plannedTargets } from '@deed/proto/kinds'
import { operationOf } from '../rules/operation-of.ts'
import type { World } from '../rules/vocabulary.ts'

/** Specialised kinds, offered only if the words, the criteria or the template match. */
const NARROW: Readonly<Record<string, RegExp>> = {
  'git.branch': /git|branch|repo/i,
  'git.commit': /git|commit|repo/i,
  'git.apply': /git|patch|diff|repo/i,
  'git.revert': /git|commit|revert|repo/i,
  'git.status': /git|commit|branch|chang|repo/i,
  'git.log': /git|commit|histor|repo/i,
  'git.diff': /git|commit|chang|diff|repo/i,
  'host.facts': /host|machine|server|computer|memory|ram|load|cpu|process|uptime|disk|port|listen/i,
  'test.run': /test|spec/i,
}

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
    return NARROW[kind]?.test(said) === false ? [] : [kind]
  })
}
