/** Checks that rules derive from a task's acceptance criteria or its words, never from the plan under check. */
import { type AgentTask, type PlannedAction, Solution } from '@deed/proto/agent'
import { type Criterion, readCriterion } from '@deed/proto/criteria'
import { DeedError } from '@deed/proto/errors'
import type { Observation } from '@deed/proto/observation'
import { workspaceOf } from '../rules/decide.ts'
import { operationOf } from '../rules/operation-of.ts'
import { refusePathOutside } from '../rules/path-scope.ts'
import { isOfType, type World } from '../rules/vocabulary.ts'

/** How long a check may take to pass after the last action. */
const CHECK_MS_MAX = 30_000

/**
 * Read-only actions that run after all others. Empty if any criterion, or any part of the words, is not understood: the
 * rest would prove only half of the task.
 */
export function checksOf(task: AgentTask, world: World, names: readonly string[]): PlannedAction[] {
  const { acceptance_criteria: criteria = [], description } = task
  const checks = criteria.length > 0 ? checksOfCriteria(criteria, world) : checkOfWords(description, world)
  return (checks ?? []).map((check, index) => ({
    ...checkAction(check, task, freeName(`check-${index + 1}`, names)),
    depends_on: [...names],
  }))
}

/**
 * The acceptance criteria alone, observed where rules can, as one solution.
 *
 * @returns no solution if no criterion can be observed; `unchecked`: the criteria that cannot
 */
export function checkCriteria(task: AgentTask, world: World): { solution?: Solution; unchecked: string[] } {
  const { acceptance_criteria: criteria = [] } = task
  const checks = criteria.flatMap((of) => {
    const observation = observationOf(of, world)
    return observation ? [{ of, observation }] : []
  })
  const checked = new Set(checks.map(({ of }) => of))
  const actions = checks.map((check, index) => checkAction(check, task, `check-${index + 1}`))
  const unchecked = criteria.filter((of) => !checked.has(of))
  return { ...(actions.length === 0 ? {} : { solution: Solution.parse({ actions, confidence: 1 }) }), unchecked }
}

const checkAction = ({ of, observation }: Check, task: AgentTask, name: string): PlannedAction => ({
  name,
  title: `check: ${of}`.slice(0, 512).toWellFormed(),
  action: {
    kind: 'wait.until',
    kind_version: 1,
    input: { observation: observation as never, within_ms: CHECK_MS_MAX },
    ...workspaceOf(task),
    checks: of,
    already_so: 'skip',
    observe_only: false,
    timeout_ms: 2 * CHECK_MS_MAX,
  },
  depends_on: [],
})

interface Check {
  readonly of: string
  readonly observation: Observation
}

function checksOfCriteria(criteria: readonly string[], world: World): Check[] | undefined {
  const checks = criteria.map((of) => ({ of, observation: observationOf(of, world) }))
  return checks.every((check): check is Check => check.observation !== undefined) ? checks : undefined
}

/** @returns undefined if no rule can check the criterion */
function observationOf(criterion: string, world: World): Observation | undefined {
  for (const said of readCriterion(criterion)) {
    if (said.kind === 'service') {
      const observation = serviceIs(said, world)
      if (observation) return observation
      continue
    }
    try {
      refusePathOutside(said.path, world)
      return said.kind === 'dir' ? { ...said, exists: true } : said
    } catch (error) {
      if (!(error instanceof DeedError)) throw error
    }
  }
  return undefined
}

function serviceIs({ name, state }: Criterion & { kind: 'service' }, { targets }: World): Observation | undefined {
  const target = Object.keys(targets).find((one) => one.toLowerCase() === name.toLowerCase())
  return target !== undefined && isOfType(targets[target]?.type, 'service')
    ? { kind: 'service', target, state, new_process: false }
    : undefined
}

/** The restart action itself proves that the process is new; this check proves the final state. */
function checkOfWords(description: string, world: World): Check[] | undefined {
  const operation = operationOf(description, world)
  if (!operation?.whole) return undefined
  const { name, target } = operation
  return [
    {
      of: `${name} ${target}`,
      observation: { kind: 'service', target, state: name === 'stop' ? 'stopped' : 'running', new_process: false },
    },
  ]
}

const freeName = (wanted: string, taken: readonly string[]): string =>
  taken.includes(wanted) ? freeName(`${wanted}-task`, taken) : wanted
