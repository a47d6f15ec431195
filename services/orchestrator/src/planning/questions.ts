/**
 * A plan whose words are asked about. Its tasks are the questions alone: nothing is planned, and so nothing changes,
 * before all of them are answered. What is known of the other nodes is stored with the plan until then.
 */
import { hashJson } from '@deed/json/canonical-json'
import type { AgentTask, Question } from '@deed/proto/agent'
import { defined, type JsonObject } from '@deed/proto/json'
import { newTask } from '../execution/new-task.ts'
import { type Choice, Chosen, choiceOf } from '../execution/person-task.ts'
import type { ExecutionRow, Snapshot, TaskRow, Work } from '../execution/snapshot.ts'
import { expectTimes } from '../thinking/expected-time.ts'
import { isSolved, type SolvedNode } from '../thinking/solve-node.ts'
import { titled } from '../thinking/task-node.ts'
import { freeName } from './free-name.ts'
import type { Planning } from './plan-work.ts'

/** How the actions of the nodes were found. */
export function foundBy(nodes: readonly SolvedNode[]): Partial<ExecutionRow> {
  const [first] = nodes
  return {
    method: nodes.every(isSolved) ? 'autonomous' : null,
    template_used: first?.solution?.template_id ?? null,
    template_version: first?.solution?.template_version ?? null,
  }
}

type Asker = Pick<Planning, 'policy' | 'now'>

export const asksPeople = (nodes: readonly SolvedNode[]): boolean => nodes.some(({ question }) => question)

export function questionsOf(asker: Asker, execution: ExecutionRow, nodes: readonly SolvedNode[]): Work {
  const names = new Set<string>()
  const tasks = nodes.flatMap(({ node, ask, question }) => (ask && question ? [{ node: node.id, ask, question }] : []))
  const { version } = asker.policy
  return {
    tasks: tasks.map((asked, position) =>
      questionTask(asker, execution, {
        ...asked,
        round: 1,
        position,
        name: freeName(names, nameOf(asked.node, nodes)),
      }),
    ),
    approvals: [],
    plan: {
      number: 0,
      plan: { parts: [], nodes: nodes as unknown as JsonObject[] },
      plan_hash: hashJson({ policy_version: version, actions: [] }),
      policy_version: version,
    },
  }
}

const nameOf = (node: string, nodes: readonly SolvedNode[]): string =>
  nodes.length === 1 ? 'choose' : `${node}.choose`

/** The question that new words have led to. */
export function nextQuestion(
  asker: Asker,
  { execution, tasks }: Snapshot,
  before: TaskRow,
  { ask, question, round }: { ask: AgentTask; question: Question; round: number },
): TaskRow {
  const names = new Set([...tasks.values()].map(({ name }) => name))
  const { node = '' } = choiceOf(before) ?? {}
  const name = freeName(names, before.name.replace(/-\d+$/, ''))
  return questionTask(asker, execution, { node, ask, question, round, position: tasks.size, name })
}

function questionTask(
  { policy, now }: Asker,
  execution: ExecutionRow,
  { position, name, ...asked }: Omit<Choice, 'expires_in_ms'> & { position: number; name: string },
): TaskRow {
  const choice: Choice = { ...asked, expires_in_ms: policy.approval_ttl_seconds * 1_000 }
  return newTask(execution, {
    position,
    name,
    title: titled(asked.question.text),
    task_kind: 'choose',
    capability: 'human',
    priority: 1,
    spec: choice as JsonObject,
    now: now(),
  })
}

/**
 * The nodes of the plan with what people have answered.
 *
 * @param stored the nodes as they were when the questions were asked
 * @param last the answer that is not stored yet
 */
export function answeredNodes(
  { tasks }: Pick<Snapshot, 'tasks'>,
  stored: readonly JsonObject[],
  last: { task: TaskRow; chosen: Chosen },
): { nodes: SolvedNode[]; estimatedMs: number } {
  const answers = new Map<string, { choice: Choice; chosen: Chosen }>()
  for (const task of tasks.values()) {
    const choice = choiceOf(task)
    if (!choice) continue
    const chosen = task.task_id === last.task.task_id ? last.chosen : Chosen.parse(task.result?.data ?? {})
    if (chosen.solution || chosen.ask) answers.set(choice.node, { choice, chosen })
  }
  return expectTimes(
    (stored as unknown as SolvedNode[]).map(({ question, ask, ...solved }): SolvedNode => {
      if (!question) return { ...solved, ...(ask ? { ask } : {}) }
      const answer = answers.get(solved.node.id)
      if (!answer) throw new Error(`nobody has answered what ${solved.node.id} means`)
      const { choice, chosen } = answer
      if (chosen.ask || !chosen.solution) return { ...solved, ask: chosen.ask ?? choice.ask }
      const { solution } = chosen
      return { ...solved, solution, ...defined({ reading: chosen.reading }) }
    }),
  )
}
