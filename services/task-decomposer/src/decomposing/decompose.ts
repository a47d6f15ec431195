/** Breaks a goal down into a graph of tasks. Pure: the same goal gives the same graph, byte for byte. */
import { checkGraph } from '@deed/proto/check-graph'
import { criticalPathMs } from '@deed/proto/graph'
import { Complexity, type Decomposition, type decomposeTask, type GoalNode } from '@deed/proto/task'
import { Language } from '@deed/proto/template'
import type { z } from 'zod'
import { findMethod } from '../methods/find-method.ts'
import { builtInMethods, type Methods } from '../methods/method-pack.ts'
import { faultsOf } from './check-plan.ts'
import { expandClauses, sinksOf, taskOf } from './expand.ts'
import { openingLength } from './imperatives.ts'
import { keyed } from './node-keys.ts'
import type { Clause } from './order-clauses.ts'
import { planPhases, wantsPhases } from './plan-phases.ts'
import { splitClauses } from './split-clauses.ts'
import { criteriaOf, verifier } from './verifiers.ts'

export type Goal = z.output<typeof decomposeTask.input>

/** Several tasks with this name would be one; it is no name of a clause. */
const VERIFY = 'verify'

/** @throws {DeedError} if a proposed graph is invalid; see `checkGraph` */
export function decompose(asked: Goal, methods: Methods = builtInMethods()): Decomposition {
  const { goal, complexity, acceptance_criteria: criteria = [], context, tasks } = asked
  if (tasks !== undefined) {
    const nodes = checkGraph(tasks).map((task) => taskOf(task, task.description, undefined))
    return decomposition(goal, 'proposed', nodes)
  }
  const level = complexity ?? Complexity.safeParse(context?.complexity).data
  const clauses = level === 'complex' && wantsPhases(goal, level) ? undefined : splitClauses(goal)
  if (clauses === undefined && wantsPhases(goal, level)) {
    return decomposition(goal, 'phases', planPhases(goal, criteria, methods.large))
  }
  const language = asked.language ?? languageIn(goal)
  const plan = clausePlan(goal, clauses, criteria, methods, language)
  if (faultsOf(plan.nodes, criteria).length === 0) return plan
  // An own method that leads to an invalid plan is worth no more than none.
  return clausePlan(goal, clauses, criteria, { ...methods, entries: [] }, language)
}

function clausePlan(
  goal: string,
  clauses: readonly Clause[] | undefined,
  criteria: readonly string[],
  methods: Methods,
  language: Language | undefined,
): Decomposition {
  const whole: Clause[] = [{ title: goal, text: goal, after: [] }]
  const known = clauses === undefined ? findMethod(methods, goal.slice(openingLength(goal)), language) : undefined
  if (clauses === undefined && known?.type !== 'method') {
    // A simple goal keeps its own words.
    const { text: _, language: __, ...operator } = known ?? {}
    const task = taskOf({ id: 'task-1' }, goal, known && { ...known, ...operator, text: goal })
    return decomposition(goal, 'single', verified([task], criteria))
  }
  const expanded = expandClauses(clauses ?? whole, methods, language)
  const nodes = expanded ?? expandClauses(clauses ?? whole, { ...methods, entries: [] }, language) ?? []
  const method = nodes.some(({ kind, language: written }) => kind === 'compound' || written) ? 'methods' : 'clauses'
  return decomposition(goal, method, verified(nodes, criteria, method === 'methods'))
}

/** The nodes with the criteria of the request, and of what methods have made, observed at the end. */
function verified(nodes: readonly GoalNode[], criteria: readonly string[], byMethods = false): GoalNode[] {
  const tasks = nodes.filter(({ kind, verifies }) => kind === 'task' && !verifies)
  const owners = criteria.map((criterion) => ownerOf(criterion, tasks))
  const owned = nodes.map((node) => ({
    ...node,
    acceptance_criteria: node.verifies
      ? node.acceptance_criteria
      : criteria.filter((_, index) => owners[index] === node.id),
  }))
  const top = owned.filter(({ parent }) => parent === undefined)
  // The one compound is verified already, by its own last task.
  const made = byMethods && top.length > 1 ? criteriaOf(nodes) : []
  const all = [...new Set([...criteria, ...made])]
  if (all.length === 0) return owned
  const of = top.map(({ id }) => id)
  return [...owned, verifier(VERIFY, of, sinksOf(nodes), all)]
}

const decomposition = (goal: string, method: Decomposition['method'], given: GoalNode[]): Decomposition => {
  const nodes = keyed(given)
  return { goal, nodes, method, critical_path_ms: criticalPathMs(nodes) }
}

/** The task that shares most words with a criterion; by default the last one. */
function ownerOf(criterion: string, tasks: readonly GoalNode[]): string | undefined {
  const wanted = wordsOf(criterion)
  let owner = tasks.at(-1)
  let most = 0
  for (const task of tasks) {
    const shared = [...wordsOf(task.title)].filter((word) => wanted.has(word)).length
    if (shared > most) {
      most = shared
      owner = task
    }
  }
  return owner?.id
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\w./-]{4,}/g))
}

const IN_LANGUAGE =
  /\b(?:in|using)\s{1,4}(elixir|rust|typescript|go|python|javascript)\b|\((elixir|rust|typescript|go|python|javascript)\)/gi

/** The one language that the words name. */
function languageIn(goal: string): Language | undefined {
  const named = new Set(
    [...goal.slice(0, 8_192).matchAll(IN_LANGUAGE)].map(([, one, other]) => (one ?? other ?? '').toLowerCase()),
  )
  return named.size === 1 ? Language.safeParse([...named][0]).data : undefined
}
