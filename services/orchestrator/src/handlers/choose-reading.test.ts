// What the words of a task mean is asked, answered once, and planned: the handlers over a real PostgreSQL and a real NATS
// server. The test stands in for the agent, so that it asks what the test wants to be asked.
import { randomUUID } from 'node:crypto'
import { Action } from '@deed/proto/action'
import { type AgentReply, type AgentTask, processTask } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asks, handled, questionAbout, solutionFor } from '../../test/agent-replies.ts'
import { ask, beginExecution, openWorld, PEOPLE, type World } from '../../test/open-world.ts'
import { replyOf } from '../answers/answer.ts'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'
import { questionsOf } from '../planning/questions.ts'
import type { SolvedNode } from '../thinking/solve-node.ts'
import { taskNode } from '../thinking/task-node.ts'
import { cancelExecution } from './cancel-execution.ts'
import { choose } from './choose-reading.ts'
import { decideApproval } from './decide-approval.ts'
import { listApprovals } from './list-approvals.ts'
import { pauseExecution, resumeExecution } from './pause-execution.ts'
import { retryExecution } from './retry-execution.ts'
import { rollbackExecution } from './rollback-execution.ts'

const opened = new AsyncDisposableStack()
let world: World
/** What the agent says to words; without an entry it understands them, as deleting what they name. */
const replies = new Map<string, AgentReply>()
const askedAgent: AgentTask[] = []

beforeAll(async () => {
  world = await openWorld(opened)
  const agent = await world.mesh.bus('hybrid-agent')
  agent.serve(processTask, async (task) => {
    askedAgent.push(task)
    return replies.get(task.description) ?? handled(task.description)
  })
})
afterAll(() => opened.disposeAsync())

const node = (id: string, more: Partial<SolvedNode> = {}, depends_on: string[] = []): SolvedNode => ({
  node: taskNode({ id, title: `delete ${id}`, depends_on }),
  ...more,
})
const asking = (id: string, ...paths: string[]): SolvedNode =>
  node(id, { ask: { description: `delete ${id}` }, question: questionAbout(...paths) })

/** An execution of ada's that waits with these questions. */
async function waits(...nodes: SolvedNode[]): Promise<ExecutionId> {
  const id = await beginExecution(world, 'delete it')
  const { execution } = await world.driver.read(id)
  const work = questionsOf(world.planning, execution, nodes)
  await world.driver.apply(id, { type: 'planned', work, found: { method: null } })
  return id
}

const read = (id: ExecutionId): Promise<Snapshot> => world.driver.read(id)
const tasksOf = ({ tasks }: Snapshot, kind: TaskRow['task_kind']): TaskRow[] =>
  [...tasks.values()].filter(({ task_kind }) => task_kind === kind)
const openOf = async (id: ExecutionId): Promise<ApprovalId[]> =>
  tasksOf(await read(id), 'choose')
    .filter(({ actual_status: status, started_at }) => status === 'pending' && started_at !== null)
    .map(({ task_id }) => String(task_id) as ApprovalId)
const questionOf = async (id: ExecutionId): Promise<ApprovalId> => (await openOf(id))[0] ?? (randomUUID() as ApprovalId)
const answer = async (id: ExecutionId, said: { option?: string; words?: string }, by: Principal = PEOPLE.requester) =>
  ask(choose(world), by, { approval_id: await questionOf(id), ...said })
const pathsOf = (snapshot: Snapshot) => tasksOf(snapshot, 'act').map(({ spec }) => Object(spec?.input).path)

/** The rows, without what moves with a row of the audit log. */
const rows = ({ execution, tasks, approvals }: Snapshot) => [
  { ...execution, version: 0, audit_seq: 0, audit_hash: '', next_check_at: '', updated_at: '' },
  ...tasks.values(),
  ...approvals.values(),
]

/** @returns the code of the refusal, of which nothing has changed */
async function refused(id: ExecutionId, what: () => Promise<unknown>): Promise<string> {
  const before = await read(id)
  let code = ''
  try {
    await what()
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    code = error.code
  }
  expect(rows(await read(id))).toEqual(rows(before))
  return code
}

describe('a question about the words of a task', () => {
  it('makes the execution wait, and is shown in its reply and in the list of approvals', async () => {
    const id = await waits(asking('task', 'a.txt', 'b.txt'))
    const snapshot = await read(id)
    const question = {
      text: 'Which file is meant by it?',
      options: [
        { id: 'a-txt', reading: 'delete a.txt', actions: [{ kind: 'file.delete', title: 'delete a.txt' }] },
        { id: 'b-txt', reading: 'delete b.txt', actions: [{ kind: 'file.delete', title: 'delete b.txt' }] },
      ],
    }
    const approval_id = await questionOf(id)
    expect(replyOf(snapshot, world.clock.now())).toMatchObject({ status: 'waiting', approval_id, question })
    for (const kind of ['choose', undefined] as const) {
      const listed = await ask(listApprovals(world), PEOPLE.requester, {
        ...{ execution_id: id, limit: 50, steps_from: 0, status: 'pending' },
        ...(kind ? { kind } : {}),
      })
      const task = { approval_id, kind: 'choose', status: 'pending', decisions: ['choose', 'deny'], question }
      expect(listed).toMatchObject({ tasks: [{ ...task, requested_by: 'ada' }], approvals: [] })
    }
    const others = await ask(listApprovals(world), PEOPLE.requester, {
      ...{ kind: 'provide', execution_id: id, limit: 50, steps_from: 0 },
    })
    expect(others).toMatchObject({ tasks: [] })
  })

  it('is answered by an option, whose plan then waits for its approval and is done once', async () => {
    const id = await waits(asking('task', 'a.txt', 'b.txt'))
    const reply = await answer(id, { option: 'b-txt' })
    expect(reply).toMatchObject({ execution_id: id, status: 'waiting' })
    const snapshot = await read(id)
    expect(pathsOf(snapshot)).toEqual(['b.txt'])
    const [step] = tasksOf(snapshot, 'act')
    expect(step).toMatchObject({
      level: 2,
      actual_status: 'pending',
      spec: { reading: { of: 'delete task', text: 'delete b.txt', by: 'choice' } },
    })
    const [approval] = snapshot.approvals.values()
    expect(approval).toMatchObject({
      status: 'pending',
      actions: [{ action: { reading: { text: 'delete b.txt', by: 'choice' } } }],
    })
    expect(snapshot.execution.method).toBe('autonomous')
    expect(replyOf(snapshot, world.clock.now())).toMatchObject({
      status: 'waiting',
      approval_id: approval?.approval_id,
      readings: [{ of: 'delete task', text: 'delete b.txt', by: 'choice' }],
    })
    expect(replyOf(snapshot, world.clock.now())).not.toHaveProperty('question')
    await ask(decideApproval(world), PEOPLE.approver, {
      ...{ approval_id: approval!.approval_id, decision: 'approve' },
    })
    expect(tasksOf(await read(id), 'act')).toMatchObject([{ actual_status: 'in_progress', token: 1 }])
  })

  it('is answered by new words, which are understood as those of a request', async () => {
    const id = await waits(asking('task', 'a.txt', 'b.txt'))
    await answer(id, { words: 'c.txt' })
    const snapshot = await read(id)
    expect(pathsOf(snapshot)).toEqual(['c.txt'])
    expect(tasksOf(snapshot, 'act')[0]?.spec).toMatchObject({
      reading: { of: 'delete task', text: 'c.txt', by: 'choice' },
    })
    expect(tasksOf(snapshot, 'choose')).toMatchObject([
      { actual_status: 'done', verification: { kind: 'signed', facts: { by: 'ada', words: 'c.txt' } } },
    ])
  })

  it('has the words that are near those of a rule read so, and says it', async () => {
    replies.set('something like c', handled('c.txt', { reading: { text: 'delete c.txt', by: 'similarity' } }))
    const id = await waits(asking('task', 'a.txt'))
    await answer(id, { words: 'something like c' })
    expect(tasksOf(await read(id), 'act')[0]?.spec).toMatchObject({
      reading: { of: 'something like c', text: 'delete c.txt', by: 'similarity' },
    })
  })

  it('is asked three times at most, each time as a question of its own', async () => {
    for (const words of ['one', 'two', 'three']) replies.set(words, asks('a.txt', `${words}.txt`))
    const id = await waits(asking('task', 'a.txt', 'b.txt'))
    const first = await questionOf(id)
    expect(await answer(id, { words: 'one' })).toMatchObject({ status: 'waiting' })
    const second = await questionOf(id)
    expect(second).not.toBe(first)
    // The options of the first question are none of the second.
    expect(await refused(id, () => ask(choose(world), PEOPLE.requester, { approval_id: first, option: 'a-txt' }))).toBe(
      'approval_already_used',
    )
    expect(await refused(id, () => answer(id, { option: 'b-txt' }))).toBe('invalid_request')
    await answer(id, { words: 'two' })
    expect(await answer(id, { words: 'three' })).toMatchObject({ status: 'failed' })
    const { execution, tasks } = await read(id)
    expect(execution).toMatchObject({
      status: 'failed',
      error: { code: 'not_understood', details: { suggestions: ['delete a.txt', 'delete three.txt'] } },
    })
    expect([...tasks.values()].map(({ name }) => name)).toEqual(['choose', 'choose-2', 'choose-3'])
  })

  it('takes an answer after the second question', async () => {
    replies.set('once more', asks('x.txt', 'y.txt'))
    const id = await waits(asking('task', 'a.txt', 'b.txt'))
    await answer(id, { words: 'once more' })
    await answer(id, { option: 'y-txt' })
    const snapshot = await read(id)
    expect(pathsOf(snapshot)).toEqual(['y.txt'])
    expect(tasksOf(snapshot, 'act')[0]?.spec).toMatchObject({ reading: { of: 'once more', text: 'delete y.txt' } })
  })

  it('goes to a model where no rule knows the new words', async () => {
    replies.set('ponder', { outcome: 'declined', reason: 'needs_model', message: 'no rule knows it' })
    const id = await waits(asking('task', 'a.txt'))
    await answer(id, { words: 'ponder' })
    expect(tasksOf(await read(id), 'solve')).toMatchObject([
      { actual_status: 'in_progress', spec: { description: 'ponder' } },
    ])
  })
})

describe('several questions of one execution', () => {
  it('plan nothing before the last of them is answered, in whatever order, and then all of it as one', async () => {
    const id = await waits(
      asking('first', 'a.txt', 'b.txt'),
      node('known', { solution: solutionFor('k.txt') }, ['first']),
      asking('last', 'c.txt', 'd.txt'),
    )
    const [first, last] = await openOf(id)
    await ask(choose(world), PEOPLE.requester, { approval_id: last!, option: 'd-txt' })
    expect(pathsOf(await read(id))).toEqual([])
    expect((await read(id)).execution.status).toBe('waiting')
    await ask(choose(world), PEOPLE.approver, { approval_id: first!, option: 'a-txt' })
    const snapshot = await read(id)
    expect(pathsOf(snapshot)).toEqual(['a.txt', 'k.txt', 'd.txt'])
    const [one, known] = tasksOf(snapshot, 'act')
    expect(known?.dependencies).toContain(one?.task_id)
    expect(known?.spec).not.toHaveProperty('reading')
    expect([...snapshot.approvals.values()].map(({ actions }) => actions.length)).toEqual([3])
    expect(snapshot.parts.map(({ title }) => title)).toEqual(['delete first', 'delete known', 'delete last'])
  })

  it('are planned once where two people answer the last two of them at the same time', async () => {
    const id = await waits(asking('first', 'a.txt'), asking('last', 'c.txt'))
    const [first, last] = await openOf(id)
    await Promise.all([
      ask(choose(world), PEOPLE.requester, { approval_id: first!, option: 'a-txt' }),
      ask(choose(world), PEOPLE.approver, { approval_id: last!, option: 'c-txt' }),
    ])
    expect(pathsOf(await read(id))).toEqual(['a.txt', 'c.txt'])
  })

  it('keep what was answered when the execution is cancelled and retried', async () => {
    const id = await waits(asking('first', 'a.txt', 'b.txt'), asking('last', 'c.txt', 'd.txt'))
    const [first, last] = await openOf(id)
    await ask(choose(world), PEOPLE.requester, { approval_id: first!, option: 'b-txt' })
    await ask(cancelExecution(world), PEOPLE.requester, { execution_id: id, undo: false, pause_goals: false })
    expect(await refused(id, () => ask(choose(world), PEOPLE.requester, { approval_id: last!, option: 'c-txt' }))).toBe(
      'approval_already_used',
    )
    await ask(retryExecution(world), PEOPLE.requester, { execution_id: id })
    expect(await openOf(id)).toEqual([last])
    await ask(choose(world), PEOPLE.requester, { approval_id: last!, option: 'd-txt' })
    expect(pathsOf(await read(id))).toEqual(['b.txt', 'd.txt'])
    await ask(cancelExecution(world), PEOPLE.requester, { execution_id: id, undo: false, pause_goals: false })
    await ask(retryExecution(world), PEOPLE.requester, { execution_id: id })
    expect(await openOf(id)).toEqual([])
    expect((await read(id)).execution.status).toBe('waiting')
    expect(pathsOf(await read(id))).toEqual(['b.txt', 'd.txt'])
  })
})

describe('an answer is refused, and nothing changes,', () => {
  it('if its option is unknown, of another question, or given together with words', async () => {
    const id = await waits(asking('task', 'a.txt'))
    await waits(asking('task', 'z.txt'))
    expect(await refused(id, () => answer(id, { option: 'z-txt' }))).toBe('invalid_request')
    expect(await refused(id, () => answer(id, { option: 'a-txt', words: 'a.txt' }))).toBe('invalid_request')
    expect(await refused(id, () => answer(id, {}))).toBe('invalid_request')
    expect(await refused(id, () => answer(id, { words: ' \u200b ' }))).toBe('empty_task')
  })

  it('if the words are no instruction, or what they mean is refused', async () => {
    const suggestions = ['delete a.txt']
    replies.set('why?', { outcome: 'declined', reason: 'no_instruction', message: 'it only asks', suggestions })
    const error = { code: 'path_outside_workspace' as const, message: 'not inside', retryable: false }
    replies.set('outside', { outcome: 'refused', error })
    const id = await waits(asking('task', 'a.txt'))
    expect(await refused(id, () => answer(id, { words: 'why?' }))).toBe('not_understood')
    expect(await refused(id, () => answer(id, { words: 'outside' }))).toBe('path_outside_workspace')
    await answer(id, { option: 'a-txt' })
    expect(pathsOf(await read(id))).toEqual(['a.txt'])
  })

  it('if it comes from somebody who is neither the requester nor an approver, or is of another tenant', async () => {
    const id = await waits(asking('task', 'a.txt'))
    expect(await refused(id, () => answer(id, { option: 'a-txt' }, PEOPLE.other))).toBe('forbidden')
    expect(await refused(id, () => answer(id, { option: 'a-txt' }, PEOPLE.stranger))).toBe('not_found')
    expect(await answer(id, { option: 'a-txt' }, PEOPLE.approver)).toMatchObject({ status: 'waiting' })
  })

  it('if it was answered before, also at the same time: one of two wins', async () => {
    const id = await waits(asking('task', 'a.txt', 'b.txt'))
    const approval_id = await questionOf(id)
    const both = await Promise.allSettled([
      ask(choose(world), PEOPLE.requester, { approval_id, option: 'a-txt' }),
      ask(choose(world), PEOPLE.approver, { approval_id, option: 'b-txt' }),
    ])
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'approval_already_used' },
    })
    expect(pathsOf(await read(id))).toHaveLength(1)
    expect(await refused(id, () => ask(choose(world), PEOPLE.requester, { approval_id, option: 'b-txt' }))).toBe(
      'approval_already_used',
    )
  })

  it('if its time has expired; the execution then ends as denied', async () => {
    const id = await waits(asking('task', 'a.txt'))
    await world.db.pool.query(
      `update actual_state set started_at = now() - interval '99 days' where execution_id = $1`,
      [id],
    )
    world.driver.know(await read(id))
    expect(await refused(id, () => answer(id, { option: 'a-txt' }))).toBe('approval_expired')
    await world.driver.apply(id, { type: 'tick' })
    expect((await read(id)).execution).toMatchObject({ status: 'denied', error: { code: 'approval_expired' } })
    expect(await refused(id, () => answer(id, { option: 'a-txt' }))).toBe('not_found')
  })

  it('if a decision is none that a question has, or an answer is none that a task has', async () => {
    const id = await waits(asking('task', 'a.txt'))
    const approval_id = await questionOf(id)
    const decide = (input: object) =>
      ask(decideApproval(world), PEOPLE.approver, { approval_id, ...input } as Parameters<typeof ask>[2] as never)
    for (const decision of ['retry', 'skip', 'provide', 'cancel', 'approve']) {
      expect(await refused(id, () => decide({ decision }))).toMatch(/invalid_request|not_found/)
    }
    expect(await refused(id, () => decide({ decision: 'choose' }))).toBe('invalid_request')
    expect(await refused(id, () => decide({ decision: 'deny', option: 'a-txt' }))).toBe('invalid_request')
    await decide({ decision: 'choose', option: 'a-txt' })
    expect(pathsOf(await read(id))).toEqual(['a.txt'])
  })
})

it.each([
  ['pause', 'paused', (id: ExecutionId) => ask(pauseExecution(world), PEOPLE.requester, { execution_id: id })],
  ['resume', 'waiting', (id: ExecutionId) => ask(resumeExecution(world), PEOPLE.requester, { execution_id: id })],
  [
    'cancel',
    'cancelled',
    (id: ExecutionId) =>
      ask(cancelExecution(world), PEOPLE.requester, { execution_id: id, undo: true, pause_goals: false }),
  ],
  [
    'deny',
    'denied',
    async (id: ExecutionId) =>
      ask(decideApproval(world), PEOPLE.requester, { approval_id: await questionOf(id), decision: 'deny' }),
  ],
  ['retry', '!not_retryable', (id: ExecutionId) => ask(retryExecution(world), PEOPLE.requester, { execution_id: id })],
  [
    'rollback',
    '!not_undoable',
    (id: ExecutionId) =>
      ask(rollbackExecution(world), PEOPLE.requester, {
        ...{ execution_id: id, with_dependents: false, dry_run: false, pause_goals: false },
      }),
  ],
])('%s of an execution that waits with a question ends in %s', async (_, wanted, verb) => {
  const id = await waits(asking('task', 'a.txt'))
  if (wanted.startsWith('!')) expect(`!${await refused(id, () => verb(id))}`).toBe(wanted)
  else {
    await verb(id)
    expect((await read(id)).execution.status).toBe(wanted)
  }
  expect(pathsOf(await read(id))).toEqual([])
})

it('is answered while the execution is paused, and begins nothing before it is resumed', async () => {
  const id = await waits(asking('task', 'a.txt'))
  await ask(pauseExecution(world), PEOPLE.requester, { execution_id: id })
  expect(await answer(id, { option: 'a-txt' })).toMatchObject({ status: 'paused' })
  const { approvals } = await read(id)
  const [approval] = approvals.values()
  await ask(decideApproval(world), PEOPLE.approver, { approval_id: approval!.approval_id, decision: 'approve' })
  expect(tasksOf(await read(id), 'act')).toMatchObject([{ actual_status: 'pending' }])
  await ask(resumeExecution(world), PEOPLE.requester, { execution_id: id })
  expect(tasksOf(await read(id), 'act')).toMatchObject([{ actual_status: 'in_progress' }])
})

it('has its way in the audit log: asked, answered by whom and how, planned', async () => {
  const id = await waits(asking('task', 'a.txt'))
  await answer(id, { option: 'a-txt' }, PEOPLE.approver)
  const rows = await world.db.query<{ type: string; data: object }>(
    'audit_of',
    'select type, data from audit_log where execution_id = $1 order by seq',
    [id],
  )
  expect(rows.map(({ type }) => type)).toEqual([
    ...['execution.accepted', 'execution.planned', 'person.asked', 'execution.waiting', 'person.decided', 'task.done'],
    ...['execution.planned', 'approval.requested'],
  ])
  expect(rows[4]?.data).toMatchObject({ decision: 'choose', by: 'carol', option: 'a-txt', reading: 'delete a.txt' })
  expect(Action.parse(tasksOf(await read(id), 'act')[0]?.spec).reading?.by).toBe('choice')
})
