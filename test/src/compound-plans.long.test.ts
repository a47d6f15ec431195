// A request of several parts, on a whole mesh: planned by methods, approved, executed in order, verified, rolled back.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { freePort } from '@deed/local/kept-port'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionReply, requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { rollbackExecution } from '@deed/proto/steering'
import { listTasks, type TaskView } from '@deed/proto/task'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeAnswer, type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts'
import { detailOf, endOf } from './follow.ts'

const SERVER = `import { createServer } from 'node:http'
createServer((_, response) => response.end(String(process.pid))).listen(Number(process.env.PORT), '127.0.0.1')`

const ANOTHER_WAY = {
  json: {
    actions: [{ kind: 'file.write', name: 'write', title: 'write it', input: { path: 'made.txt', content: 'x' } }],
  },
}

const only = (kind: string, input: object) => ({
  json: { actions: [{ kind, name: 'step', title: `do ${kind}`, input }] },
})
const move = (from: string, to: string) => only('file.move', { from, to })
const NEW = { path: 'neu.txt', content: 'x' }

const opened = new AsyncDisposableStack()
/** What the model answers next, then what it answers to all else. */
let answers: FakeAnswer[] = []
let another = (): FakeAnswer => ANOTHER_WAY
let under: MeshUnderTest
let port: number
let model: FakeOllama

beforeAll(async () => {
  port = await freePort()
  model = opened.use(await startFakeOllama({ answer: () => answers.shift() ?? another() }))
  under = opened.use(
    await meshUnderTest({
      env: { OLLAMA_HOST: model.url },
      config: `targets: { demo-api: { type: process, command: [node, server.mjs], cwd: ./workspace, env: { PORT: "${port}" },
        environment: test, health: { url: "http://127.0.0.1:${port}/", timeout_ms: 500 } } }\n`,
    }),
  )
  writeFileSync(join(under.workspace, 'server.mjs'), SERVER)
  const { execution_id } = await ask('start demo-api')
  await approveAll(execution_id)
  expect(await endOf(under, execution_id)).toMatchObject({ status: 'done' })
})
afterAll(async () => {
  const left = await pidOf().catch(() => undefined)
  await opened.disposeAsync()
  // A supervised process outlives the mesh by design.
  if (left !== undefined) process.kill(left, 'SIGKILL')
})

const pidOf = async (): Promise<number> => Number(await (await fetch(`http://127.0.0.1:${port}/`)).text())
const ask = (task: string, more: object = {}): Promise<ExecutionReply> =>
  under.client.call(requestExecution, { task, mode: 'background', ...more })
const source = (path: string): void => writeFileSync(join(under.workspace, path), path)
const gone = (path: string): void => rmSync(join(under.workspace, path))
const there = (path: string): boolean => existsSync(join(under.workspace, path))

const pendingOf = (id: ExecutionId) =>
  until(async () => (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals[0], {
    timeoutMs: 30_000,
    what: 'the question',
  })

async function approveAll(id: ExecutionId): Promise<void> {
  const { approval_id } = await pendingOf(id)
  await under.client.call(decideApproval, { approval_id, decision: 'approve' })
}

const MADE = ['migrations/create_orders.sql', 'src/orders-server.js', 'test/orders.test.js']
const listOf = async (id: ExecutionId): Promise<TaskView[]> =>
  (await under.client.call(listTasks, { execution_id: id })).tasks

describe('a request of several parts', () => {
  it('is planned, approved, done in its order, verified as a whole, and rolled back', async () => {
    const before = await pidOf()
    const { execution_id: id } = await ask(
      'Create the orders table, then the endpoint, then tests, and restart demo-api',
    )
    await approveAll(id)
    const end = await endOf(under, id)
    expect(end).toMatchObject({ status: 'done', task_verified: true, method: 'autonomous' })
    expect(await pidOf()).not.toBe(before)
    expect(readFileSync(join(under.workspace, 'migrations/create_orders.sql'), 'utf8')).toContain('CREATE TABLE')
    expect(MADE.filter(there)).toEqual(MADE)

    const acts = (await listOf(id)).filter(({ task_kind }) => task_kind === 'act')
    const kinds = acts.map(({ action }) => action?.kind)
    expect(kinds.slice(0, 4)).toEqual(['code.generate', 'code.generate', 'code.generate', 'test.run'])
    const at = (kind: string) => acts.find(({ action }) => action?.kind === kind)!
    // The service is restarted with what was made, once its tests have passed.
    expect(Date.parse(at('service.restart').started_at!)).toBeGreaterThanOrEqual(
      Date.parse(at('test.run').finished_at!),
    )
    const observed = acts.flatMap(({ action, evidence }) =>
      action?.checks ? [[action.checks, evidence?.outcome]] : [],
    )
    for (const path of MADE) expect(observed).toContainEqual([`${path} exists`, 'verified'])
    expect(observed).toContainEqual(['demo-api is running', 'verified'])

    await under.client.call(rollbackExecution, { execution_id: id })
    const [asked] = (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals
    if (asked) await under.client.call(decideApproval, { approval_id: asked.approval_id, decision: 'approve' })
    await until(() => !MADE.some(there), { timeoutMs: 60_000, what: 'the files to be gone' })
    await until(async () => (await detailOf(under, id)).status !== 'undoing', {
      timeoutMs: 60_000,
      what: 'the end of the rollback',
    })
    expect((await listOf(id)).find(({ action }) => action?.kind === 'code.generate')).toMatchObject({
      actual_status: 'undone',
      undo_evidence: { outcome: 'verified' },
    })
  }, 120_000)

  it('is done and not verified where a criterion has no form that can be observed, and says which', async () => {
    const task = 'write "a" to first.txt, then write "b" to second.txt'
    const criteria = ['second.txt contains "b"', 'it feels right']
    const { execution_id: id } = await ask(task, { acceptance_criteria: criteria })
    const end = await endOf(under, id)
    expect(end).toMatchObject({ status: 'done', task_verified: false })
    expect(end.result?.text).toContain('not observed: it feels right')
    const checks = (await listOf(id)).flatMap(({ action, evidence }) =>
      action?.checks ? [[action.checks, evidence?.outcome]] : [],
    )
    expect(checks).toEqual([['second.txt contains "b"', 'verified']])
  }, 120_000)

  it('has only the task planned again that failed, and what is done stays done', async () => {
    const task = 'write "a" to one.txt, then run `node missing.mjs`, then write "b" to two.txt'
    const { execution_id: id } = await ask(task, { on_failure: 'ask' })
    await approveAll(id)
    const review = await until(
      async () => (await under.client.call(listApprovals, { execution_id: id, kind: 'review' })).tasks[0],
      { timeoutMs: 60_000, what: 'the review' },
    )
    expect(review.decisions).toContain('replan')
    const [done] = await listOf(id)
    expect(there('two.txt')).toBe(false)
    await under.client.call(decideApproval, { approval_id: review.approval_id, decision: 'replan' })
    await approveAll(id)
    expect(await endOf(under, id)).toMatchObject({ status: 'done' })
    // The model was told what went wrong.
    expect(JSON.stringify(model.calls.at(-1)?.messages)).toContain('missing.mjs')
    const tasks = await listOf(id)
    expect(tasks.find(({ task_id }) => task_id === done!.task_id)).toEqual(done)
    const byPath = (path: string) => tasks.find(({ action }) => action?.input.path === path)!
    expect(tasks.find(({ action }) => action?.kind === 'command.run')).toMatchObject({ actual_status: 'skipped' })
    expect(Date.parse(byPath('two.txt').started_at!)).toBeGreaterThanOrEqual(
      Date.parse(byPath('made.txt').finished_at!),
    )
    expect(there('made.txt') && there('two.txt')).toBe(true)
  }, 120_000)

  it('is planned again by itself where the request says so: done stays, the new action is approved, and it is shown', async () => {
    source('quelle.txt')
    const task = 'write "a" to eins.txt, then move quelle.txt to ziel.txt, then write "b" to zwei.txt'
    // The first answer does again what failed; it hears why, and mends it.
    answers = [move('quelle.txt', 'ziel.txt'), only('file.write', NEW)]
    const { execution_id: id } = await ask(task, { on_failure: 'replan' })
    await pendingOf(id)
    gone('quelle.txt')
    await approveAll(id)
    // The plan has changed, so a person is asked again, about the new action alone.
    const second = await pendingOf(id)
    expect(second.actions.map(({ action }) => action.input)).toMatchObject([NEW])
    expect([there('eins.txt'), there('neu.txt'), there('zwei.txt')]).toEqual([true, false, false])
    const [done] = await listOf(id)
    await under.client.call(decideApproval, { approval_id: second.approval_id, decision: 'approve' })
    expect(await endOf(under, id)).toMatchObject({ status: 'done', metrics: { success: true } })
    expect((await listOf(id)).find(({ task_id }) => task_id === done!.task_id)).toEqual(done)
    expect(JSON.stringify(model.calls.at(-1)?.messages)).toContain('exactly this has failed')
    expect(there('zwei.txt')).toBe(true)
    const { stdout } = await startDeed(under.mesh.dataDir, ['show', id]).ended
    expect(stdout).toMatch(/^replanned .*failed, so .*-replanned finds another way/m)
    // What took the place of one action is not what the words mean.
    source('quelle.txt')
    const again = await ask('move quelle.txt to ziel.txt', { dry_run: true, mode: 'immediate' })
    expect(JSON.stringify(again.result)).not.toContain('neu.txt')
  }, 120_000)

  it('is planned again three times at most, and is undone then', async () => {
    let number = 0
    source('q-0.txt')
    answers = []
    another = () => {
      source(`q-${++number}.txt`)
      return move(`q-${number}.txt`, `z-${number}.txt`)
    }
    const task = 'write "a" to drei.txt, then move q-0.txt to z-0.txt'
    const { execution_id: id } = await ask(task, { on_failure: 'replan' })
    const decided = new Set<string>()
    const end = await until(
      async () => {
        const [open] = (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals
        if (open && !decided.has(open.approval_id)) {
          decided.add(open.approval_id)
          gone(`q-${number}.txt`)
          await under.client.call(decideApproval, { approval_id: open.approval_id, decision: 'approve' })
        }
        const detail = await detailOf(under, id)
        return detail.status === 'rolled_back' && detail
      },
      { timeoutMs: 90_000, what: 'the end' },
    )
    another = () => ANOTHER_WAY
    expect(end.timeline.filter(({ type, data }) => type === 'task.replanned' && data.about !== undefined)).toHaveLength(
      3,
    )
    expect([number, decided.size]).toEqual([3, 4])
    expect(there('drei.txt')).toBe(false)
  }, 120_000)

  it('is shown before anything is done, as a tree and as a flowchart', async () => {
    const task = 'create a crud for invoices, then restart demo-api'
    const deed = (...args: string[]) => startDeed(under.mesh.dataDir, ['explain', task, ...args]).ended
    const { code, stdout } = await deed()
    expect(code).toBe(0)
    expect(stdout).toMatch(/├─ task-1 {2}Create a crud for invoices {2}code\/feature/)
    expect(stdout).toMatch(/│ {2}├─ task-1\.table .* code\.generate/)
    expect(stdout).toMatch(/└─ verify .*\n {3}observes migrations\/create_invoices\.sql exists/)
    const { stdout: flowchart } = await deed('--mermaid')
    expect(flowchart).toMatch(/^flowchart TD\n {2}subgraph n1 \["Create a crud for invoices"\]/)
    expect(there('src/invoices-server.js')).toBe(false)
  }, 120_000)
})
