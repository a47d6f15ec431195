/**
 * Runbooks of `execution.yaml`: fixed words, and the steps that an operator wrote for them.
 *
 * The words must match exactly, apart from courtesy and reasons: nobody should delete a database by a guess. The approval level is
 * computed from the steps, as for any other plan.
 */
import type { ExecutionConfig } from '@deed/config/execution-config'
import { IN_SENTENCES } from '@deed/config/fault-sentence'
import { type AgentTask, PlannedAction, type Solution } from '@deed/proto/agent'
import { RulePackError } from './pack-fault.ts'
import { type Sentence, tokenize } from './tokenize.ts'

/** Finds the steps for a sentence, in the task's workspace. */
export type Runbooks = (sentence: Sentence, task: AgentTask) => Solution | undefined

export const NO_RUNBOOKS: Runbooks = () => undefined

/** @throws {RulePackError} naming each invalid runbook */
export function readRunbooks({ runbooks }: Pick<ExecutionConfig, 'runbooks'>): Runbooks {
  const faults: string[] = []
  const byWords = new Map<string, { name: string; solution: Solution }>()
  for (const [name, { words = [name.replaceAll(/[._-]+/g, ' ')], expected_seconds, steps }] of Object.entries(
    runbooks,
  )) {
    const where = `runbooks.${name}`
    const actions = steps.map((step, index) => plannedStep(step, steps[index - 1]?.name))
    faults.push(...faultsOf(where, actions))
    const estimated_ms = Math.round(expected_seconds * 1_000)
    const solution = {
      actions: actions.flatMap(({ data }) => data ?? []),
      answer: { kind: 'actions' as const },
      rule: `runbooks/${name}`,
      confidence: 1,
      ...(estimated_ms > 0 ? { estimated_ms } : {}),
    }
    for (const said of words) {
      const key = keyOf(tokenize(said))
      const other = byWords.get(key ?? '')
      if (key === undefined) faults.push(`${where}.words: ${JSON.stringify(said)} has quotes or no words`)
      else if (other) faults.push(`${where}.words: ${JSON.stringify(said)} means runbooks.${other.name} already`)
      else byWords.set(key, { name, solution })
    }
  }
  if (faults.length > 0) throw new RulePackError(faults.join('\n'))
  return (sentence, task) => {
    const found = sentence.asks ? undefined : byWords.get(keyOf(sentence) ?? '')
    return found && inWorkspaceOf(task, found.solution)
  }
}

type Step = ExecutionConfig['runbooks'][string]['steps'][number]

function plannedStep(
  { name, title = name, kind, input, verify, workspace, depends_on, timeout_ms }: Step,
  before: string | undefined,
) {
  const step = {
    name,
    title,
    action: { kind, input, ...given({ verify, workspace, timeout_ms }) },
    depends_on: depends_on ?? (before === undefined ? [] : [before]),
  }
  return PlannedAction.safeParse(step, IN_SENTENCES)
}

const given = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

function faultsOf(where: string, actions: readonly ReturnType<typeof plannedStep>[]): string[] {
  const faults: string[] = []
  const names = new Set<string>()
  for (const [index, { data, error }] of actions.entries()) {
    const step = `${where}.steps[${index}]`
    for (const issue of error?.issues ?? []) faults.push(`${[step, ...issue.path].join('.')}: ${issue.message}`)
    if (!data) continue
    if (names.has(data.name)) faults.push(`${step}.name: there is a step "${data.name}" already`)
    // Dependencies must point backwards, so there is no cycle.
    for (const other of data.depends_on)
      if (!names.has(other)) faults.push(`${step}.depends_on: no step before it is called "${other}"`)
    names.add(data.name)
  }
  return faults
}

/** @returns undefined for a sentence with quotes or without words */
function keyOf(sentence: Sentence | undefined): string | undefined {
  if (!sentence || sentence.tokens.length === 0 || sentence.tokens.some(({ kind }) => kind !== 'word')) return undefined
  return sentence.tokens.map(({ word }) => word).join(' ')
}

function inWorkspaceOf({ context }: AgentTask, solution: Solution): Solution {
  const workspace = context?.workspace
  if (typeof workspace !== 'string') return solution
  const actions = solution.actions.map((step) => ({ ...step, action: { workspace, ...step.action } }))
  return { ...solution, actions }
}
