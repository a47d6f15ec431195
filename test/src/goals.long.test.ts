// States that are restored, over the bus, on a whole mesh, with a service that is really killed.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { freePort } from '@deed/local/kept-port'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { deleteGoal, type GoalView, listGoals, pauseGoal, putGoal, resumeGoal } from '@deed/proto/goal'
import type { ExecutionId } from '@deed/proto/ids'
import { putSchedule } from '@deed/proto/schedule'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askedOf } from './follow.ts'

const SERVER = `import { createServer } from 'node:http'
createServer((_, response) => response.end(String(process.pid))).listen(Number(process.env.PORT), '127.0.0.1')`

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let port: number

const RULES = `pack: version
version: 1
description: A command whose effect cannot be seen beforehand
rules:
  - name: tell
    match: tell the version
    actions: [{ title: tell the version, kind: command.run, input: { argv: [node, --version] }, already_so: skip }]
    tests: [{ say: tell the version }]
`

beforeAll(async () => {
  const rules = opened.use(temporaryFolder()).path
  writeFileSync(join(rules, 'version.yaml'), RULES)
  port = await freePort()
  under = opened.use(
    await meshUnderTest({
      env: { RULES_DIR: rules },
      config: `commands: { allow: [node] }\ntargets: { api: { type: process, command: [node, server.mjs], cwd: ./workspace, env: { PORT: "${port}" },
        environment: test, health: { url: "http://127.0.0.1:${port}/", timeout_ms: 500 } } }\n`,
    }),
  )
  writeFileSync(join(under.workspace, 'server.mjs'), SERVER)
})
afterAll(async () => {
  await opened.disposeAsync()
  // A supervised process outlives the mesh by design.
  const left = await pidOf().catch(() => undefined)
  if (left !== undefined) process.kill(left, 'SIGKILL')
})

const goalNamed = async (name: string): Promise<GoalView | undefined> =>
  (await under.client.call(listGoals, { name })).goals[0]

const goalThat = (name: string, is: (goal: GoalView) => boolean, what: string): Promise<GoalView> =>
  until(
    async () => {
      const goal = await goalNamed(name)
      return goal && is(goal) ? goal : undefined
    },
    { what },
  )

const active = (name: string): Promise<GoalView> =>
  goalThat(name, ({ status }) => status === 'active', `the goal ${name} to be active`)

async function approve(executionId: ExecutionId): Promise<number> {
  const { approval_id, level } = await askedOf(under, executionId)
  await under.client.call(decideApproval, { approval_id, decision: 'approve' })
  return level
}

const goalReviews = async () =>
  (await under.client.call(listApprovals, { kind: 'review', status: 'pending' })).tasks.filter(
    ({ cause }) => cause === 'goal',
  )

const pidOf = async (): Promise<number> => Number(await (await fetch(`http://127.0.0.1:${port}/`)).text())

const rows = async (table: string): Promise<number> =>
  Number((await under.database.query<{ count: string }>(`select count(*) from orchestrator.${table}`)).rows[0]?.count)

describe('a goal', () => {
  it('keeps a service running: killed, it runs again as another process, and that is on record', async () => {
    const put = await under.client.call(putGoal, { name: 'api-up', task: 'keep api running', interval_ms: 1_000 })
    expect(put).toMatchObject({
      status: 'establishing',
      actions: [{ kind: 'service.start', input: { target: 'api' } }],
    })
    expect(await approve(put.execution_id!)).toBe(1)
    expect(await active('api-up')).toMatchObject({ agreed_by: 'user', drifts: 0 })

    const before = await pidOf()
    process.kill(before, 'SIGKILL')
    const drifted = await goalThat(
      'api-up',
      ({ drifts, last_outcome }) => drifts > 0 && last_outcome === 'holds',
      'a remedy',
    )
    expect(await pidOf()).not.toBe(before)
    expect(drifted.remedies).toHaveLength(1)
    const remedy = await under.client.call(getExecution, { execution_id: drifted.remedies[0]!.execution_id })
    expect(remedy).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(remedy.timeline[0]).toMatchObject({ type: 'execution.accepted', data: { goal: 'api-up' } })
    expect(remedy.verification).toContainEqual(expect.objectContaining({ kind: 'observed', outcome: 'verified' }))
    // Agreed to once, with the goal: nobody was asked again.
    const { approvals } = await under.client.call(listApprovals, { execution_id: remedy.execution_id })
    expect(approvals).toMatchObject([{ status: 'used', decided_by: 'user' }])
    expect(remedy.timeline.map(({ type }) => type)).not.toContain('approval.requested')

    // The same again changes how often is looked, and nothing else.
    const again = await under.client.call(putGoal, { name: 'api-up', task: 'keep api running', interval_ms: 2_000 })
    expect(again).toMatchObject({ goal_id: put.goal_id, interval_ms: 2_000, status: 'active' })

    expect(await under.client.call(pauseGoal, { name: 'api-up' })).toMatchObject({ paused: true, next_check_at: null })
    expect(await under.client.call(resumeGoal, { name: 'api-up' })).toMatchObject({ paused: false, status: 'active' })
    expect(await under.client.call(deleteGoal, { name: 'api-up' })).toEqual({ deleted: true })
    expect(await under.client.call(deleteGoal, { name: 'api-up' })).toEqual({ deleted: false })
  })

  it('is no task: such words are refused with what does it, as a request, a schedule and a dry run', async () => {
    const before = await rows('executions')
    const refused = { code: 'standing_goal', path: '$.task', message: expect.stringContaining('goal.put') as string }
    for (const task of ['keep api running', 'Keep the API service up.']) {
      await expect(under.client.call(requestExecution, { task })).rejects.toMatchObject(refused)
      await expect(under.client.call(requestExecution, { task, dry_run: true })).rejects.toMatchObject(refused)
    }
    const request = { task: 'keep api running' }
    await expect(under.client.call(putSchedule, { name: 'kept', request, every_ms: 1_000 })).rejects.toMatchObject({
      ...refused,
      path: '$.request.task',
    })
    expect(await rows('executions')).toBe(before)
  })

  it('is put by deed run, whose words are those of a goal', async () => {
    const args = ['run', '--yes', '--json', 'keep api running', '--every', '1s']
    const { stdout } = await startDeed(under.mesh.dataDir, args).ended
    expect(JSON.parse(stdout)).toMatchObject({
      goal: { name: 'keep-api-running', status: 'active', interval_ms: 1_000 },
    })
    expect(await pidOf()).toBeGreaterThan(0)
    await under.client.call(deleteGoal, { name: 'keep-api-running' })
  })

  it('keeps what a manifest says: of its tasks those are done again that do not hold, each after those before it', async () => {
    const write = (path: string, content: string) => ({ kind: 'file.write', kind_version: 1, input: { path, content } })
    const status = { kind: 'service.status', kind_version: 1, input: { target: 'api' } }
    const manifest = {
      name: 'site',
      tasks: [
        { id: 'page', action: write('site/page.txt', 'page'), depends_on: ['looked'], on_failure: 'ask' as const },
        { id: 'looked', action: status, depends_on: ['folder'] },
        { id: 'folder', action: { kind: 'dir.create', kind_version: 1, input: { path: 'site' } } },
        { id: 'motto', task: 'write "motto" to motto.txt' },
      ],
    }
    const asked = { name: 'site', manifest, interval_ms: 1_000 }
    const put = await under.client.call(putGoal, asked)
    // What only looks is not kept; what waits for it waits for what it waited for.
    expect(put.actions.map(({ input }) => input.path).sort()).toEqual(['motto.txt', 'site', 'site/page.txt'])
    await approve(put.execution_id!)
    await active('site')
    const file = join(under.workspace, 'site/page.txt')
    expect([readFileSync(file, 'utf8'), readFileSync(join(under.workspace, 'motto.txt'), 'utf8')]).toEqual([
      'page',
      'motto',
    ])
    rmSync(join(under.workspace, 'site'), { recursive: true })
    const drifted = await goalThat(
      'site',
      ({ drifts, last_outcome: outcome }) => drifts > 0 && outcome === 'holds',
      'a remedy',
    )
    expect(readFileSync(file, 'utf8')).toBe('page')
    const { tasks } = await under.client.call(getExecution, { execution_id: drifted.remedies[0]!.execution_id })
    const done = tasks.filter(({ task_kind: kind }) => kind === 'act')
    const { folder, page, motto } = Object.fromEntries(done.map((task) => [task.name, task]))
    expect(page?.dependencies).toContain(folder?.task_id)
    expect([folder, page, motto].map((task) => task?.evidence?.already_so === true)).toEqual([false, false, true])
    expect(await under.client.call(putGoal, asked)).toMatchObject({ goal_id: put.goal_id })
    await under.client.call(deleteGoal, { name: 'site' })

    const before = await rows('goals')
    const cyclic = { name: 'ring', tasks: [{ ...manifest.tasks[3]!, depends_on: ['motto'] }] }
    await expect(under.client.call(putGoal, { name: 'ring', manifest: cyclic })).rejects.toMatchObject({
      code: 'cyclic_dependency',
    })
    await expect(under.client.call(putGoal, { ...asked, task: 'x' })).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await rows('goals')).toBe(before)
  })

  it('keeps what an execution did, gives up when it does not stay so, and continues when a person says', async () => {
    const done = await under.client.call(requestExecution, { task: 'write "kept" to kept.txt' })
    const { execution_id: id } = await under.client.call(putGoal, {
      name: 'kept',
      execution_id: done.execution_id,
      interval_ms: 1_000,
      remedies_max: 1,
    })
    await approve(id!)
    await active('kept')
    const file = join(under.workspace, 'kept.txt')
    const blocked = opened.use(undoer(file))
    const given = await goalThat('kept', ({ status }) => status === 'blocked', 'the loop guard')
    expect(given.remedies).toHaveLength(1)
    expect(given.why).toContain('restored 1 time within an hour')
    blocked[Symbol.dispose]()
    rmSync(file, { force: true })

    const [review, ...more] = await goalReviews()
    expect(more).toEqual([])
    expect(review).toMatchObject({
      name: 'HUMAN-REVIEW-kept',
      details: given.why,
      decisions: ['retry', 'cancel'],
      execution_id: given.execution_id,
    })
    const decide = (decision: 'skip' | 'retry') =>
      under.client.call(decideApproval, { approval_id: review!.approval_id, decision })
    await expect(decide('skip')).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await decide('retry')).toMatchObject({ status: 'resolved' })
    expect(await goalReviews()).toEqual([])
    await expect(decide('retry')).rejects.toMatchObject({ code: 'not_found' })
    await goalThat('kept', ({ status, last_outcome }) => status === 'active' && last_outcome === 'holds', 'the end')
    expect(readFileSync(file, 'utf8')).toBe('kept')
    await under.client.call(deleteGoal, { name: 'kept' })
  })

  it('is corrected to the end where the orchestrator dies before the plan is there, and nobody is asked again', async () => {
    const put = await under.client.call(putGoal, {
      name: 'motd',
      task: 'write "hello" to motd.txt',
      interval_ms: 1_000,
    })
    await approve(put.execution_id!)
    await active('motd')
    const orchestrator = under.mesh.service('orchestrator')
    await orchestrator.crashAt('orchestrator.after_think')
    writeFileSync(join(under.workspace, 'motd.txt'), 'spoilt')
    await until(() => orchestrator.pid === undefined, { what: 'the death of the orchestrator' })
    await orchestrator.start(under.mesh.environmentOf('orchestrator'))
    const kept = await goalThat(
      'motd',
      ({ drifts, last_outcome }) => drifts > 0 && last_outcome === 'holds',
      'a remedy',
    )
    expect(readFileSync(join(under.workspace, 'motd.txt'), 'utf8')).toBe('hello')
    expect(kept.remedies).toHaveLength(1)
    const { approvals } = await under.client.call(listApprovals, { execution_id: kept.remedies[0]!.execution_id })
    expect(approvals).toMatchObject([{ status: 'used', decided_by: 'user' }])
    await under.client.call(deleteGoal, { name: 'motd' })
  })

  it('is given up at once where what it does cannot be seen to hold', async () => {
    const put = await under.client.call(putGoal, { name: 'command', task: 'tell the version', interval_ms: 1_000 })
    await approve(put.execution_id!)
    const given = await goalThat('command', ({ status }) => status === 'blocked', 'the end of it')
    expect(given).toMatchObject({ why: expect.stringContaining('cannot be kept') as string, remedies: [] })
    const [review] = await goalReviews()
    await under.client.call(decideApproval, { approval_id: review!.approval_id, decision: 'cancel' })
    expect(await goalNamed('command')).toBeUndefined()
  })

  it('is refused where it could not be kept, and nothing is stored', async () => {
    const [goals, executions] = [await rows('goals'), await rows('executions')]
    const put = (input: object) => under.client.call(putGoal, { name: 'refused', task: 'start api', ...input })
    await expect(put({ interval_ms: 999 })).rejects.toMatchObject({ code: 'out_of_range', path: '$.interval_ms' })
    await expect(put({ interval_ms: 0 })).rejects.toMatchObject({ code: 'out_of_range' })
    await expect(put({ remedies_max: 0 })).rejects.toMatchObject({ code: 'out_of_range' })
    await expect(put({ task: ' ' })).rejects.toMatchObject({ code: 'empty_task' })
    await expect(put({ task: 'write "x" to ../outside.txt' })).rejects.toMatchObject({ code: 'path_outside_workspace' })
    await expect(put({ task: 'is api running?' })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(put({ task: 'run `node --version`' })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(put({ task: 'compose a sonnet about api' })).rejects.toMatchObject({ code: 'not_understood' })
    await expect(put({ execution_id: '01997d0e-0000-7000-8000-000000000000' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    await expect(put({ name: 'Not A Name' })).rejects.toMatchObject({ code: 'invalid_request', path: '$.name' })
    expect([await rows('goals'), await rows('executions')]).toEqual([goals, executions])
  })
})

/** Undoes again and again what a goal restores. */
function undoer(file: string): Disposable {
  const timer = setInterval(() => rmSync(file, { force: true }), 50)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
