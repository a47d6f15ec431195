/** A person says what the words of a task mean: one of the readings that they were asked about, or other words. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Bus } from '@deed/mesh/bus'
import { processTask } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import { WordsRequest } from '@deed/proto/execution'
import type { ApprovalId, Principal, TaskId } from '@deed/proto/ids'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import { type Choice, type Chosen, choiceOf } from '../execution/person-task.ts'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'
import { admitRequest, refuseSecrets } from '../intake/validate-request.ts'
import type { Retrying } from '../planning/agree-again.ts'
import { refuseRequestAgainstGoals } from '../planning/contradictions.ts'
import { planWork } from '../planning/plan-work.ts'
import { answeredNodes, foundBy, nextQuestion } from '../planning/questions.ts'
import { levelOfApprover } from '../policy/policy.ts'
import { isLastQuestion, openChoice } from '../reconcile/chosen.ts'
import type { Answered } from '../reconcile/input.ts'
import type { GoalsOf } from '../store/goals.ts'
import { readOpenNodes } from '../store/open-nodes.ts'
import { readPersonTasks } from '../store/person-tasks.ts'
import { brief, notUnderstood, solveNode } from '../thinking/solve-node.ts'
import { taskNode } from '../thinking/task-node.ts'
import type { Deciding } from './decide.ts'

/** Questions about the same words; afterwards the execution fails, since it is not understood. */
const ROUNDS_MAX = 3
/** Two people answer two questions of one execution at the same time. */
const ATTEMPTS_MAX = 3
/** An approver of any level. */
const LEVEL_MIN = 1

export interface Choosing extends Deciding, Retrying {
  bus: Bus
  config: ExecutionConfig
  goals: GoalsOf
}

interface Said {
  approval_id: ApprovalId
  option?: string | undefined
  words?: string | undefined
  reason?: string | undefined
}

/** What an answer comes to. */
type Outcome = Pick<Answered, 'chosen' | 'reading' | 'next' | 'refused'>

/**
 * @throws {DeedError} that says why the answer is refused; then nothing has changed. `not_found`, `forbidden`,
 *   `approval_already_used`, `approval_expired`, `invalid_request`, `not_understood`; or why what was chosen cannot be
 *   planned
 */
export async function chooseReading(choosing: Choosing, principal: Principal, said: Said): Promise<Snapshot> {
  const { db, driver, policy, config } = choosing
  refuseSecrets(config, said)
  const [task] = await readPersonTasks(db, principal, { approvalId: said.approval_id, openOnly: false, limit: 1 })
  if (!task) throw new DeedError('not_found', 'there is no such question; `deed get approvals` lists them')
  const { execution_id: executionId } = task
  if (principal.user !== task.requested_by && levelOfApprover(policy, principal.user) < LEVEL_MIN) {
    throw new DeedError('forbidden', `only ${task.requested_by} or an approver may say what the words mean`, {
      executionId,
    })
  }
  const taskId = String(said.approval_id) as TaskId
  for (let attempt = 1; ; attempt++) {
    const snapshot = await driver.read(executionId)
    const row = openChoice(snapshot, taskId, choosing.planning.now())
    const outcome = await outcomeOf(choosing, snapshot, row, said)
    const isLast = !outcome.next && !outcome.refused && isLastQuestion(snapshot, row)
    const plan = isLast ? await planOf(choosing, snapshot, row, outcome.chosen) : undefined
    try {
      const answer = { taskId, by: principal.user, reason: said.reason ?? null, ...outcome, ...(plan ? { plan } : {}) }
      return await driver.apply(executionId, { type: 'chosen', ...answer })
    } catch (error) {
      if (!(error instanceof DeedError) || error.code !== 'unavailable' || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

function outcomeOf(choosing: Choosing, snapshot: Snapshot, task: TaskRow, said: Said): Outcome | Promise<Outcome> {
  const { option: id, words } = said
  const choice = choiceOf(task)
  if (!choice || (id === undefined) === (words === undefined)) {
    throw new DeedError('invalid_request', 'give one of option and words', { path: '$.option' })
  }
  if (words !== undefined) return outcomeOfWords(choosing, snapshot, task, { choice, words })
  const { options } = choice.question
  const option = options.find((one) => one.id === id)
  if (!option) {
    const known =
      options.length === 0 ? 'give words' : `choose ${options.map((one) => one.id).join(', ')}, or give words`
    throw new DeedError('invalid_request', `the question has no option ${id}: ${known}`, { path: '$.option' })
  }
  const { solution, reading } = option
  const of = brief(choice.ask.description)
  return { chosen: { option: option.id, solution, reading: { of, text: reading, by: 'choice' } }, reading }
}

/** New words are understood as those of a request are; they may be asked about again. */
async function outcomeOfWords(
  { bus, config, planning }: Choosing,
  snapshot: Snapshot,
  task: TaskRow,
  { choice, words }: { choice: Choice; words: string },
): Promise<Outcome> {
  try {
    admitRequest(config, WordsRequest.parse({ task: words }))
  } catch (error) {
    throw error instanceof DeedError ? DeedError.from({ ...error.body, path: '$.words' }) : error
  }
  const { execution } = snapshot
  const options = onBehalfOf(execution)
  const { template: _, ...before } = choice.ask
  const asked = { ...before, description: words }
  const reply = await bus.call(processTask, asked, options)
  const asking = { bus, seed: execution.execution_id, ...options }
  const node = taskNode({ id: choice.node, title: words })
  const { solution, reading, question, ask } = await solveNode(asking, node, asked, reply, undefined)
  const shown = words.slice(0, WORDS_SHOWN).toWellFormed()
  if (question) {
    const round = choice.round + 1
    const outcome: Outcome = { chosen: { words }, reading: shown }
    if (round <= ROUNDS_MAX) {
      return { ...outcome, next: nextQuestion(planning, snapshot, task, { ask: ask ?? asked, question, round }) }
    }
    const suggestions = question.options.map((option) => option.reading).slice(0, SUGGESTIONS_MAX)
    const why = `after ${ROUNDS_MAX} questions the words still have several meanings; submit the task in other words`
    return { ...outcome, refused: notUnderstood(why, suggestions).body }
  }
  if (!solution) return { chosen: { words, ask: ask ?? asked }, reading: shown }
  const own = { of: brief(choice.ask.description), text: shown, by: 'choice' as const }
  return { chosen: { words, solution, reading: reading ?? own }, reading: reading?.text ?? shown }
}

const SUGGESTIONS_MAX = 3
/** What a reading may have, in characters. */
const WORDS_SHOWN = 512

/** The plan of the execution, now that all its words are known. */
async function planOf(
  { db, goals, planning }: Choosing,
  snapshot: Snapshot,
  task: TaskRow,
  chosen: Chosen,
): Promise<NonNullable<Answered['plan']>> {
  const { execution, tasks } = snapshot
  const stored = await readOpenNodes(db, execution.execution_id)
  const { nodes } = answeredNodes(snapshot, stored, { task, chosen })
  await refuseRequestAgainstGoals({ goals, planning }, execution, nodes)
  const questions = [...tasks.values()].filter(({ task_kind }) => task_kind === 'choose')
  const work = await planWork(planning, execution, nodes, {
    position: tasks.size,
    names: new Set([...tasks.values()].map(({ name }) => name)),
    after: questions.map(({ task_id }) => task_id),
  })
  return { work, found: foundBy(nodes) }
}
