/** What a task asks of a person, until when, and what may be decided. */
import { WordsRead } from '@deed/proto/action'
import { AgentTask, Question, Solution } from '@deed/proto/agent'
import { DECISION_TASK, DecisionTaskInput } from '@deed/proto/decision-task'
import { HumanTaskInput, type OpenQuestion, type PersonDecision, ReviewCause } from '@deed/proto/person'
import { NodeName } from '@deed/proto/task'
import { z } from 'zod'
import type { TaskRow } from './snapshot.ts'

/** The subject of a review, as stored with its task. */
export const Review = z.object({
  about: z.string(),
  cause: ReviewCause,
  /** Whether a model may be asked for other actions. */
  replannable: z.boolean().exactOptional(),
})
export type Review = z.output<typeof Review>

/** @returns undefined if the task is not a review */
export const reviewOf = ({ task_kind, spec }: Pick<TaskRow, 'task_kind' | 'spec'>): Review | undefined =>
  task_kind === 'review' ? Review.safeParse(spec).data : undefined

/** What a person is asked to do. @returns undefined if the task is not a person's */
export const askedOf = ({ task_kind, capability, spec }: TaskRow): HumanTaskInput | undefined =>
  task_kind === 'act' && capability === 'human' ? HumanTaskInput.safeParse(spec?.input).data : undefined

/** What the organization is to decide. @returns undefined if the task is not the organization's */
export const proposalOf = ({ task_kind, spec }: Pick<TaskRow, 'task_kind' | 'spec'>): DecisionTaskInput | undefined =>
  task_kind === 'act' && spec?.kind === DECISION_TASK ? DecisionTaskInput.parse(spec.input) : undefined

/** A question about the words of a node, as stored with its task. */
export const Choice = z.object({
  /** The node of the plan. */
  node: NodeName,
  ask: AgentTask,
  question: Question,
  /** 1 for the first question about these words. */
  round: z.int().min(1),
  expires_in_ms: z.int().min(1),
})
export type Choice = z.output<typeof Choice>

/** @returns undefined if the task is not a question about words */
export const choiceOf = ({ task_kind, spec }: Pick<TaskRow, 'task_kind' | 'spec'>): Choice | undefined =>
  task_kind === 'choose' ? Choice.parse(spec) : undefined

/** The answer to a question about words, as stored in the result of its task. */
export const Chosen = z.object({
  option: z.string().optional(),
  words: z.string().optional(),
  /** What follows; absent where the new words were asked about, or need a model. */
  solution: Solution.optional(),
  reading: WordsRead.optional(),
  /** The new words, for a model. */
  ask: AgentTask.optional(),
})
export type Chosen = z.output<typeof Chosen>

/** A question as a person is asked it. */
export const openQuestion = ({ text, options }: Question): OpenQuestion => ({
  text,
  options: options.map(({ id, reading, solution }) => ({
    id,
    reading,
    actions: solution.actions.map(({ title, action }) => ({ kind: action.kind, title })),
  })),
})

/** The deadline, in milliseconds since 1970. @returns undefined if nobody is asked, or there is no deadline */
export function expiryOf(task: TaskRow): number | undefined {
  const asked = askedOf(task) ?? choiceOf(task)
  return asked === undefined || task.started_at === null ? undefined : Date.parse(task.started_at) + asked.expires_in_ms
}

export function decisionsFor(task: TaskRow): readonly PersonDecision[] {
  if (task.task_kind === 'choose') return ['choose', 'deny']
  const { cause, replannable } = reviewOf(task) ?? {}
  if (cause === undefined) return ['provide', 'deny']
  if (cause === 'undo') return ['retry', 'skip', 'provide']
  return replannable ? ['retry', 'replan', 'skip', 'provide', 'cancel'] : ['retry', 'skip', 'provide', 'cancel']
}
