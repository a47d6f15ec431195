// Words with several meanings, on a whole mesh and from outside of it: asked about, answered by any client or at a terminal,
// and then done once. The test stands in for the agent, so that it asks what the test wants to be asked.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkAtAnyTime, checkInvariants } from '@deed/drill/harness/check-invariants'
import { COMMAND, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { type AgentReply, processTask, type Solution } from '@deed/proto/agent'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, type ExecutionReply, executionEvent, getExecution } from '@deed/proto/execution'
import type { ApprovalId } from '@deed/proto/ids'
import { retryExecution } from '@deed/proto/steering'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PlainClient, plainClient } from './plain-client.ts'

const SECRET = 'correct-horse-battery-staple'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
/** May ask, and not approve. */
let client: PlainClient
let approver: PlainClient
const replies = new Map<string, AgentReply>()
const events: string[] = []

beforeAll(async () => {
  under = opened.use(
    await meshUnderTest({
      copies: { 'hybrid-agent': 0, orchestrator: 2 },
      env: { QUESTION_SECRET: SECRET },
      config: `targets: { box: { type: process, command: [sleep, "300"], cwd: ./workspace } }
secrets: { token: { env: QUESTION_SECRET, kinds: [command.run] } }
`,
    }),
  )
  const { nats_url: url, nats_user: user, nats_password: password } = under.mesh.connectionAs('hybrid-agent')
  const agent = opened.use(await connectBus({ service: 'hybrid-agent', url, user, password }))
  agent.serve(processTask, async ({ description }) => {
    const known: AgentReply = { outcome: 'handled', method: 'autonomous', solution: writes(`${description}.txt`) }
    return replies.get(description) ?? known
  })
  client = opened.use(await plainClient(under.mesh.connectionAs('client'), '_INBOX_client'))
  approver = opened.use(await plainClient(under.mesh.connectionAs('approver'), '_INBOX_approver'))
  under.client.nc.subscribe(executionEvent.subject, {
    callback: (_, message) => events.push(message.json<{ type: string }>().type),
  })
})
afterAll(() => opened.disposeAsync())

const writes = (path: string, more: Partial<Solution> = {}): Solution => ({
  actions: [
    {
      name: 'write',
      title: `write ${path}`,
      action: {
        ...{ kind: 'file.write', kind_version: 1, observe_only: false, timeout_ms: 60_000 },
        input: { path, content: 'as chosen\n' },
      },
      depends_on: [],
    },
  ],
  answer: { kind: 'actions' },
  confidence: 1,
  ...more,
})
const asks = (...paths: string[]): AgentReply => ({
  outcome: 'asks',
  question: {
    text: 'Which file is meant?',
    options: paths.map((path, index) => ({
      id: `file-${index + 1}`,
      reading: `write ${path}`,
      solution: writes(path),
    })),
  },
})

const file = (path: string): string => join(under.workspace, path)
const detailOf = ({ execution_id }: Pick<ExecutionReply, 'execution_id'>): Promise<ExecutionDetail> =>
  under.client.call(getExecution, { execution_id })
const becomes = (reply: Pick<ExecutionReply, 'execution_id'>, status: ExecutionDetail['status']) =>
  until(
    async () => {
      const detail = await detailOf(reply)
      return detail.status === status && detail
    },
    { timeoutMs: 120_000, what: `the execution to be ${status}` },
  )

/** As a client that only asks: the reply comes with the question, long before the deadline. */
async function waiting(task: string): Promise<ExecutionReply & { approval_id: ApprovalId }> {
  const { body } = await client.ask('execution.request', { task })
  expect(body).toMatchObject({ status: 'waiting', question: { text: 'Which file is meant?' } })
  return body
}
const answer = (approval_id: ApprovalId, said: object, by = client) =>
  by.ask('execution.choose', { approval_id, ...said })
/** Agrees to what was chosen, as it is shown. */
async function agree(reply: ExecutionReply): Promise<ExecutionDetail> {
  const { execution_id } = reply
  const { approvals } = await under.client.call(listApprovals, { execution_id, status: 'pending' })
  expect(approvals).toMatchObject([{ level: 1 }])
  const { approval_id, plan_hash } = approvals[0]!
  await under.client.call(decideApproval, { approval_id, decision: 'approve', plan_hash })
  return becomes(reply, 'done')
}

describe('a question about words', () => {
  it('reaches the requester at once, is answered by the id of a reading, and is done once', async () => {
    replies.set('note it', asks('one.txt', 'two.txt'))
    const reply = await waiting('note it')
    expect(reply.question?.options).toEqual([
      { id: 'file-1', reading: 'write one.txt', actions: [{ kind: 'file.write', title: 'write one.txt' }] },
      { id: 'file-2', reading: 'write two.txt', actions: [{ kind: 'file.write', title: 'write two.txt' }] },
    ])
    await checkAtAnyTime(under.database)
    const { body } = await answer(reply.approval_id, { option: 'file-2' })
    expect(body).toMatchObject({ execution_id: reply.execution_id, status: 'waiting' })
    // A new file asks nobody where a rule knows the words.
    expect(existsSync(file('two.txt'))).toBe(false)
    const done = await agree(reply)
    expect(done).toMatchObject({
      task_verified: true,
      metrics: { success: true },
      result: { text: expect.stringContaining('understood as: write two.txt') },
      readings: [{ of: 'note it', text: 'write two.txt', by: 'choice' }],
    })
    expect(readFileSync(file('two.txt'), 'utf8')).toBe('as chosen\n')
    expect(existsSync(file('one.txt'))).toBe(false)
    const writesDone = done.tasks.filter(({ action }) => action?.kind === 'file.write')
    expect(writesDone).toMatchObject([{ actual_status: 'done', failures: 0 }])
    expect(events).toEqual(expect.arrayContaining(['person.asked', 'person.decided']))
  })

  it('is answered by new words, asked about once more, and then understood', async () => {
    replies.set('jot it', asks('three.txt', 'four.txt'))
    replies.set('the other one', asks('five.txt', 'six.txt'))
    const reply = await waiting('jot it')
    await answer(reply.approval_id, { words: 'the other one' })
    const again = await detailOf(reply)
    expect(again).toMatchObject({ status: 'waiting', question: { options: [{ reading: 'write five.txt' }, {}] } })
    expect(again.approval_id).not.toBe(reply.approval_id)
    await answer(again.approval_id!, { words: 'seven' })
    await agree(reply)
    expect(existsSync(file('seven.txt'))).toBe(true)
  })

  it('survives the death of every orchestrator while it waits', async () => {
    replies.set('mark it', asks('eight.txt', 'nine.txt'))
    const reply = await waiting('mark it')
    await Promise.all([0, 1].map((copy) => under.mesh.service('orchestrator', copy).kill()))
    const open = await until(
      async () => {
        const found = await detailOf(reply).catch(() => undefined)
        return found?.question && found
      },
      { timeoutMs: 120_000, what: 'an orchestrator that answers' },
    )
    expect(open).toMatchObject({ status: 'waiting', approval_id: reply.approval_id })
    await answer(reply.approval_id, { option: 'file-1' })
    await agree(reply)
    expect(existsSync(file('eight.txt'))).toBe(true)
  })

  it('is answered by one of two who answer at the same time; the other is refused', async () => {
    replies.set('log it', asks('left.txt', 'right.txt'))
    const reply = await waiting('log it')
    const both = await Promise.all([
      answer(reply.approval_id, { option: 'file-1' }),
      answer(reply.approval_id, { option: 'file-2' }, approver),
    ])
    const lost = both.filter(({ errorCode }) => errorCode !== undefined)
    expect(lost).toMatchObject([{ body: { code: 'approval_already_used' } }])
    const won = both.findIndex(({ errorCode }) => errorCode === undefined)
    await agree(reply)
    expect([existsSync(file('left.txt')), existsSync(file('right.txt'))]).toEqual([won === 0, won === 1])
  })

  it('takes no answer that is not its own, and stays open', async () => {
    replies.set('put it', asks('ten.txt'))
    const reply = await waiting('put it')
    const other = await waiting('note it')
    const { approval_id } = reply
    for (const [said, code] of [
      [{ option: 'file-2' }, 'invalid_request'],
      [{ option: '../x' }, 'invalid_request'],
      [{}, 'invalid_request'],
      [{ option: 'file-1', words: 'x' }, 'invalid_request'],
      [{ words: ' ' }, 'empty_task'],
      [{ words: `write ${SECRET} to a.txt` }, 'invalid_request'],
    ] as const) {
      expect(await answer(approval_id, said)).toMatchObject({ body: { code } })
    }
    const unknown = await answer(reply.execution_id as unknown as ApprovalId, { option: 'file-1' })
    expect(unknown).toMatchObject({ body: { code: 'not_found' } })
    expect(await detailOf(reply)).toMatchObject({ status: 'waiting', question: { text: 'Which file is meant?' } })
    // The approver's own subject takes answers, too.
    const decided = await approver.ask('approval.decide', { approval_id, decision: 'choose', option: 'file-1' })
    expect(decided.body).toMatchObject({ status: 'resolved' })
    const denied = await approver.ask('approval.decide', { approval_id: other.approval_id, decision: 'deny' })
    expect(denied.body).toMatchObject({ status: 'denied' })
    expect(await answer(other.approval_id, { option: 'file-1' })).toMatchObject({
      body: { code: 'approval_already_used' },
    })
    await agree(reply)
  })

  it('keeps its answer through a retry, and asks nothing twice', async () => {
    replies.set('try it', asks('no/such/folder/../../../../x.txt', 'twelve.txt'))
    const reply = await waiting('try it')
    // What was chosen is impossible: the answer is refused, and another one is taken.
    const refused = await answer(reply.approval_id, { option: 'file-1' })
    expect(refused).toMatchObject({ body: { code: 'path_outside_workspace' } })
    await answer(reply.approval_id, { option: 'file-2' })
    await client.ask('execution.cancel', { execution_id: reply.execution_id })
    await becomes(reply, 'cancelled')
    await under.client.call(retryExecution, { execution_id: reply.execution_id })
    const again = await becomes(reply, 'waiting')
    expect(again).not.toHaveProperty('question')
    await agree(reply)
    expect(existsSync(file('twelve.txt'))).toBe(true)
  })
})

describe('a graph of tasks', () => {
  const manifest = {
    name: 'notes',
    tasks: [
      { id: 'first', action: { kind: 'file.write', kind_version: 1, input: { path: 'graph.txt', content: 'x' } } },
      { id: 'second', task: 'note that', depends_on: ['first'] },
      { id: 'third', task: 'note this' },
    ],
  }

  it('does nothing before all its words are known, and then keeps its order and its names', async () => {
    replies.set('note that', asks('that.txt', 'other.txt'))
    replies.set('note this', asks('this.txt'))
    const { body: reply } = await client.ask('execution.request', { manifest })
    expect(reply).toMatchObject({ status: 'waiting', question: { options: [{ reading: 'write that.txt' }, {}] } })
    const { tasks } = await approver
      .ask('approval.list', { kind: 'choose', execution_id: reply.execution_id })
      .then(({ body }) => body)
    expect(tasks.map(({ name }: { name: string }) => name).sort()).toEqual(['second.choose', 'third.choose'])
    expect(existsSync(file('graph.txt'))).toBe(false)
    for (const { approval_id } of tasks) await answer(approval_id, { option: 'file-1' })
    const done = await agree(reply)
    for (const path of ['graph.txt', 'that.txt', 'this.txt']) expect(existsSync(file(path))).toBe(true)
    const [first, second] = ['first', 'second'].map((name) => done.tasks.find((task) => task.name === name))
    expect(second?.dependencies).toContain(first?.task_id)
  })
})

it('refuses a goal whose words have several meanings, and names them', async () => {
  replies.set('note that', asks('that.txt', 'other.txt'))
  const { body } = await client.ask('goal.put', { name: 'noted', task: 'note that' })
  expect(body).toMatchObject({
    code: 'not_understood',
    details: { suggestions: ['write that.txt', 'write other.txt'] },
  })
})

describe('words that are near those of a rule', () => {
  it('are read at once where they only ask, and the answer says how', async () => {
    const [step] = writes('x').actions
    const action = { ...step!.action, kind: 'service.status', input: { target: 'box' } }
    replies.set('is that box thing up', {
      outcome: 'handled',
      method: 'autonomous',
      solution: {
        ...writes('x'),
        actions: [{ ...step!, title: 'status of box', action }],
        reading: { text: 'is box running', by: 'similarity' },
      },
    })
    const { body } = await client.ask('execution.request', { task: 'is that box thing up' })
    expect(body).toMatchObject({
      status: 'done',
      task_verified: true,
      metrics: { success: true },
      readings: [{ of: 'is that box thing up', text: 'is box running', by: 'similarity' }],
      result: { text: expect.stringMatching(/\nunderstood as: is box running$/) },
    })
  })

  it('change nothing without an approval that shows how they are read, new files included', async () => {
    const reading = { text: 'write near.txt', by: 'similarity' as const }
    replies.set('keep a near note', {
      outcome: 'handled',
      method: 'autonomous',
      solution: writes('near.txt', { reading }),
    })
    const reply = await client.ask('execution.request', { task: 'keep a near note', mode: 'background' })
    const detail = await becomes(reply.body, 'waiting')
    expect(existsSync(file('near.txt'))).toBe(false)
    const shown = await startDeed(under.mesh.dataDir, ['show', detail.execution_id]).ended
    expect(shown.stdout).toContain('asked for: keep a near note')
    expect(shown.stdout).toContain('understood as: write near.txt (by similarity')
    await agree(detail)
    expect(existsSync(file('near.txt'))).toBe(true)
  })
})

describe('the command', () => {
  const deed = (...args: string[]) => startDeed(under.mesh.dataDir, args)

  it('prints the question and how to answer where nobody is at a terminal, and takes the answer elsewhere', async () => {
    replies.set('file it', asks('thirteen.txt', 'fourteen.txt'))
    using run = deed('run', 'file it', '--yes')
    await until(() => run.output().includes('Waiting for an answer.'), { timeoutMs: 60_000, what: 'the question' })
    expect(run.output()).toContain('1. write thirteen.txt')
    const [, id = ''] = /deed choose (\S+) 1/.exec(run.output()) ?? []
    const listed = await deed('get', 'approvals').ended
    expect(listed.stdout).toMatch(new RegExp(`QUESTION[^]*${id} +pending`))
    const notApproved = await deed('approve', id, '--yes').ended
    expect(notApproved).toMatchObject({ code: 2, stderr: expect.stringContaining(`deed choose ${id}`) })
    const wrong = await deed('choose', id, '7').ended
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('has no option 7') })
    const chosen = await deed('choose', id, '2', '--json').ended
    expect(JSON.parse(chosen.stdout)).toMatchObject({ approval_id: id })
    expect(await run.ended).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('understood as: write fourteen.txt'),
    })
    expect(existsSync(file('fourteen.txt'))).toBe(true)
  })

  it('shows a question of an execution that nobody follows, and takes new words for it', async () => {
    replies.set('store it', asks('fifteen.txt'))
    const reply = await waiting('store it')
    const shown = await deed('show', reply.execution_id).ended
    expect(shown.stdout).toContain('Which file is meant?')
    expect(shown.stdout).toContain(`deed choose ${reply.approval_id} --words`)
    const said = await deed('choose', reply.execution_id, '--words', 'sixteen').ended
    expect(said.code, said.stderr).toBe(0)
    await agree(reply)
    expect(existsSync(file('sixteen.txt'))).toBe(true)
  })

  it('says what could be asked for where nobody understands the words, as lines to copy', async () => {
    replies.set('blorp', {
      outcome: 'declined',
      reason: 'no_instruction',
      message: 'these words say nothing to do',
      suggestions: ['start box', "write 'hello' to notes.txt"],
    })
    const { code, stdout } = await deed('run', 'blorp').ended
    expect(code).toBe(1)
    expect(stdout).toContain('failed: these words say nothing to do\n')
    expect(stdout).toMatch(/error +not_understood/)
    expect(stdout).toContain("deed run 'start box'\n")
    expect(stdout).toContain(`deed run 'write '\\''hello'\\'' to notes.txt'\n`)
  })

  it('shows in a dry run what would be asked, and stores nothing', async () => {
    const { code, stdout } = await deed('run', '--dry-run', 'note it').ended
    expect(code).toBe(0)
    expect(stdout).toContain('Which file is meant?\n1. write one.txt\n2. write two.txt')
  })

  const hasTerminal = spawnSync('script', ['--version']).status === 0
  const why = hasTerminal ? '' : ' (SKIPPED: there is no command script here)'
  it.skipIf(!hasTerminal)(`takes the number of a reading, or other words, at a terminal${why}`, async () => {
    replies.set('save it', asks('seventeen.txt', 'eighteen.txt'))
    replies.set('that one there', asks('nineteen.txt', 'twenty.txt'))
    const terminal = spawn('script', ['-qefc', `${process.execPath} ${COMMAND} run --yes "save it"`, '/dev/null'], {
      env: { PATH: process.env.PATH, DEED_DATA_DIR: under.mesh.dataDir, TERM: 'xterm', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let seen = ''
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen += text
    })
    const says = async (text: string, key: string): Promise<void> => {
      await until(() => seen.includes(text), { timeoutMs: 60_000, what: `${text} in ${seen}` })
      seen = ''
      terminal.stdin.write(`${key}\n`)
    }
    await says('Which one? [1-2, o: other words, n: none]', 'o')
    await says('In other words:', 'that one there')
    await says('Which one? [1-2, o: other words, n: none]', '2')
    const [code] = await once(terminal, 'close')
    expect(seen).toContain('understood as: write twenty.txt')
    expect(code).toBe(0)
    expect(existsSync(file('twenty.txt'))).toBe(true)
  })
})

it('keeps every promise in the tables, once nothing is open', async () => {
  await checkInvariants(under.database)
})
