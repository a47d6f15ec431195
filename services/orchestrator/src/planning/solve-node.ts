/** From a task's words to its actions: by a rule, by a rule with a template, or by asking a model later. */

import type { Bus } from '@deed/mesh/bus'
import { type AgentReply, type AgentTask, processTask, type Solution } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Principal } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { ManifestTask } from '@deed/proto/manifest'
import type { GoalNode } from '@deed/proto/task'
import { getTemplate, selectTemplate, type TemplateChoice } from '@deed/proto/template'

/** A node of the goal with the actions that bring it about, or with what a model is to be asked. */
export interface SolvedNode {
  node: GoalNode
  solution?: Solution
  ask?: AgentTask
  /** The words that a model read as the solution; absent where a rule did. */
  readingOf?: string
  /** Of a task that its manifest says more about. */
  terms?: Terms
}

export type Terms = Pick<ManifestTask, 'priority' | 'on_failure' | 'concurrency_key'>

interface Asking {
  bus: Bus
  principal: Principal
  trace: string
  /** Names the pick of a template, so that it can be repeated. */
  seed: string
}

/**
 * @param reply what the agent said to the task as it is
 * @param chosen the template for these words, where it was asked for already
 * @throws {DeedError} where a rule knows what is meant and refuses it
 */
export async function solveNode(
  asking: Asking,
  node: GoalNode,
  task: AgentTask,
  reply: AgentReply,
  chosen: TemplateChoice | undefined,
): Promise<SolvedNode> {
  if (reply.outcome === 'handled') return { node, solution: reply.solution }
  if (reply.outcome === 'refused') throw DeedError.from(reply.error)
  if (reply.reason === 'needs_model') return { node, ask: task }
  try {
    const withTemplate = await addTemplate(asking, task, chosen)
    if (!withTemplate) return { node, ask: task }
    const second = await asking.bus.call(processTask, withTemplate, asking)
    if (second.outcome === 'handled') return { node, solution: second.solution }
    if (second.outcome === 'refused') throw DeedError.from(second.error)
    return { node, ask: withTemplate }
  } catch (error) {
    // Without the templates a model may still know.
    if (error instanceof DeedError && error.retryable) return { node, ask: task }
    throw error
  }
}

/** Undefined where only the universal template fits, which is text for a model rather than code. */
async function addTemplate(
  { bus, principal, trace, seed }: Asking,
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

/** What the agent is asked for a part of a request. */
export function taskOf(
  request: ExecutionRequest,
  description: string,
  criteria = request.acceptance_criteria,
): AgentTask {
  const { complexity, language, context } = request
  return {
    description,
    ...defined({ complexity, language, context, target_file: context?.target_file, acceptance_criteria: criteria }),
  }
}
