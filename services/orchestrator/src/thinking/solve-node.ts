/** Finds the actions for a task's words: by a rule, by a rule with a template, or later by a model. */
import type { Bus } from '@deed/mesh/bus'
import type { WordsRead } from '@deed/proto/action'
import { type AgentReply, type AgentTask, processTask, type Question, type Solution } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Principal } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { TaskTerms } from '@deed/proto/manifest'
import type { GoalNode } from '@deed/proto/task'
import { getTemplate, selectTemplate, type TemplateChoice } from '@deed/proto/template'

/** A node of the goal with its actions, or with the question for a model, or for a person. */
export interface SolvedNode {
  node: GoalNode
  solution?: Solution
  /** What a model is asked, or what a person's answer is about. */
  ask?: AgentTask
  /** What a person is asked about the words. */
  question?: Question
  /** How the words were understood as the solution; absent if a rule knows them as they are. */
  reading?: WordsRead
  /** Of a task that observes criteria: those that no rule can observe. */
  unchecked?: readonly string[]
  /** Details from the task's manifest. */
  terms?: TaskTerms
}

/** Whether nobody has to be asked about it. */
export const isSolved = ({ solution, unchecked }: SolvedNode): boolean =>
  solution !== undefined || unchecked !== undefined

interface SlotRequest {
  bus: Bus
  principal: Principal
  trace: string
  /** Makes the pick of a template repeatable. */
  seed: string
}

/**
 * @param reply the agent's reply to the task without a template
 * @param chosen the template for these words, if it was selected already
 * @throws {DeedError} if a rule understands the task and refuses it
 */
export async function solveNode(
  asking: SlotRequest,
  node: GoalNode,
  task: AgentTask,
  reply: AgentReply,
  chosen: TemplateChoice | undefined,
): Promise<SolvedNode> {
  if (reply.outcome === 'handled') return solvedNode(node, task, reply.solution)
  if (reply.outcome === 'refused') throw DeedError.from(reply.error)
  if (reply.outcome === 'asks') return { node, ask: task, question: reply.question }
  if (reply.reason === 'no_instruction') throw notUnderstood(reply.message, reply.suggestions)
  if (reply.reason === 'needs_model') return { node, ask: task }
  try {
    const withTemplate = await addTemplate(asking, task, chosen)
    if (!withTemplate) return { node, ask: task }
    const second = await asking.bus.call(processTask, withTemplate, asking)
    if (second.outcome === 'handled') return solvedNode(node, withTemplate, second.solution)
    if (second.outcome === 'refused') throw DeedError.from(second.error)
    if (second.outcome === 'asks') return { node, ask: withTemplate, question: second.question }
    return { node, ask: withTemplate }
  } catch (error) {
    // Without templates a model may still solve it.
    if (error instanceof DeedError && error.retryable) return { node, ask: task }
    throw error
  }
}

/** A node that only observes criteria: what rules can observe of them. */
export async function observeNode(
  { bus, ...options }: Omit<SlotRequest, 'seed'>,
  node: GoalNode,
  task: AgentTask,
): Promise<SolvedNode> {
  const reply = await bus.call(processTask, { ...task, checks: true }, options)
  if (reply.outcome === 'refused') throw DeedError.from(reply.error)
  if (reply.outcome !== 'handled') return { node, unchecked: node.acceptance_criteria }
  const { solution, unchecked = [] } = reply
  return { node, solution, ...(unchecked.length === 0 ? {} : { unchecked }) }
}

const solvedNode = (node: GoalNode, { description }: AgentTask, solution: Solution): SolvedNode => ({
  node,
  solution,
  ...(solution.reading ? { reading: { of: brief(description), ...solution.reading } } : {}),
})

/** Words, and what a model made of them. */
export const readByModel = (words: string, { reading }: Solution): WordsRead => ({
  of: brief(words),
  ...defined({ text: reading?.text }),
  by: 'model',
})

/** Words, and the earlier request with similar words whose plan they get. */
export const readAsBefore = (words: string, earlier: string): WordsRead => ({
  of: brief(words),
  text: earlier.slice(0, TEXT_CHARS_MAX).toWellFormed(),
  by: 'recalled',
})

const TEXT_CHARS_MAX = 512
const READING_CHARS_MAX = 1_024

export const brief = (words: string): string =>
  words.length <= READING_CHARS_MAX ? words : `${words.slice(0, READING_CHARS_MAX - 4).toWellFormed()} ...`

export function notUnderstood(message: string, suggestions: readonly string[] = []): DeedError {
  return new DeedError('not_understood', message, { path: '$.task', details: { suggestions: [...suggestions] } })
}

/** Undefined if only the universal template fits, which is text for a model rather than code. */
async function addTemplate(
  { bus, principal, trace, seed }: SlotRequest,
  task: AgentTask,
  chosen: TemplateChoice | undefined,
): Promise<AgentTask | undefined> {
  const { description, language, complexity } = task
  const options = { principal, trace }
  const choice =
    chosen ??
    (await bus.call(selectTemplate, { task: description, seed, ...defined({ language, complexity }) }, options))
  if (choice.language === 'any') return undefined
  const template = await bus.call(getTemplate, { id: choice.id, version: choice.version }, options)
  if (template.language === 'any') return undefined
  const { description: _, language: templateLanguage, ...rest } = template
  return { ...task, type: template.task_type, template: { ...rest, language: templateLanguage } }
}

/** The agent's task for a part of a request. */
export function taskOf(
  request: ExecutionRequest,
  description: string,
  criteria = request.acceptance_criteria,
  language = request.language,
): AgentTask {
  const { complexity, context } = request
  return {
    description,
    ...defined({ complexity, language, context, target_file: context?.target_file, acceptance_criteria: criteria }),
  }
}
