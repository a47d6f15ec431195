/** What becomes of the words of a task: split into clauses, and each of them understood, as the orchestrator does it. */
import type { AgentReply, AgentTask, Solution } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { mayBeSeveral } from '@deed/proto/task'
import { decompose } from '@deed/task-decomposer/decomposing/decompose'

export type Understand = (task: AgentTask) => AgentReply

export interface ReadAction {
  readonly kind: string
  readonly input: JsonObject
  /** How the outcome of its solution is presented. */
  readonly answer: string
  /** Positions of the actions that it depends on, all before it. */
  readonly after: ReadonlySet<number>
}

export interface TaskReading {
  readonly actions: readonly ReadAction[]
  /** Of its least certain clause. */
  readonly confidence: number
}

export type Understood =
  | { readonly outcome: 'acts'; readonly reading: TaskReading }
  | { readonly outcome: 'asks'; readonly options: readonly TaskReading[] }
  | { readonly outcome: 'nothing'; readonly reason: string }

/** More combinations of the options of several clauses are not compared. */
const OPTIONS_MAX = 100

export function understandTask(understand: Understand, task: string): Understood {
  const whole = mayBeSeveral(task) ? undefined : understand({ description: task })
  if (whole && whole.outcome !== 'declined') return joined([{ reply: whole, depends_on: [], id: '' }])
  let clauses: { id: string; description: string; depends_on: readonly string[] }[]
  try {
    clauses = decompose({ goal: task }).nodes.filter(({ kind, verifies }) => kind === 'task' && !verifies)
  } catch (error) {
    if (error instanceof DeedError) return { outcome: 'nothing', reason: error.message }
    throw error
  }
  if (clauses.length === 1)
    return joined([{ reply: whole ?? understand({ description: task }), depends_on: [], id: '' }])
  return joined(
    clauses.map(({ id, description, depends_on }) => ({ id, depends_on, reply: understand({ description }) })),
  )
}

interface Clause {
  readonly id: string
  readonly depends_on: readonly string[]
  readonly reply: AgentReply
}

/** The plan is made of all clauses or of none. */
function joined(clauses: readonly Clause[]): Understood {
  const readings: Solution[][] = []
  for (const { reply } of clauses) {
    const solutions = solutionsOf(reply)
    if (solutions === undefined) return { outcome: 'nothing', reason: reasonOf(reply) }
    readings.push(solutions)
  }
  let combined: Solution[][] = [[]]
  for (const solutions of readings)
    combined = combined.flatMap((before) => solutions.map((one) => [...before, one])).slice(0, OPTIONS_MAX)
  const options = combined.map((solutions) => readingOf(clauses, solutions))
  const [first] = options
  if (clauses.some(({ reply }) => reply.outcome === 'asks')) return { outcome: 'asks', options }
  return first ? { outcome: 'acts', reading: first } : { outcome: 'nothing', reason: 'no words' }
}

/** @returns undefined where nothing follows; an empty list where only new words can answer */
function solutionsOf(reply: AgentReply): Solution[] | undefined {
  if (reply.outcome === 'handled') return [reply.solution]
  if (reply.outcome === 'asks') return reply.question.options.map(({ solution }) => solution)
  if (reply.outcome === 'declined' && reply.reason === 'needs_template') return [FROM_TEMPLATE]
  return undefined
}

/** What follows once the template has come. */
const FROM_TEMPLATE: Solution = {
  actions: [
    {
      name: 'code-generate',
      title: 'write code from a template',
      depends_on: [],
      action: {
        kind: 'code.generate',
        kind_version: 1,
        input: {},
        already_so: 'skip',
        observe_only: false,
        timeout_ms: 60_000,
      },
    },
  ],
  answer: { kind: 'actions' },
  confidence: 1,
}

function reasonOf(reply: AgentReply): string {
  if (reply.outcome === 'declined') return `${reply.reason}: ${reply.message}`
  return reply.outcome === 'refused' ? reply.error.message : reply.outcome
}

function readingOf(clauses: readonly Clause[], solutions: readonly Solution[]): TaskReading {
  const actions: ReadAction[] = []
  const placesOf = new Map<string, number[]>()
  for (const [index, { actions: planned, answer }] of solutions.entries()) {
    const clause = clauses[index]
    const before = (clause?.depends_on ?? []).flatMap((id) => placesOf.get(id) ?? [])
    const placeOf = new Map<string, number>()
    for (const { name, action, depends_on } of planned) {
      const direct = [...before, ...depends_on.flatMap((other) => placeOf.get(other) ?? [])]
      const after = new Set(direct.flatMap((place) => [place, ...(actions[place]?.after ?? [])]))
      placeOf.set(name, actions.length)
      actions.push({ kind: action.kind, input: action.input, answer: answer.kind, after })
    }
    placesOf.set(clause?.id ?? '', [...placeOf.values()])
  }
  return { actions, confidence: Math.min(...solutions.map(({ confidence }) => confidence)) }
}
