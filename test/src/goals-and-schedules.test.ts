// What is kept so, and what is done at its times: over the bus, on a whole mesh, with a service that is really killed.
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { getExecution, listExecutions, requestExecution } from '@deed/proto/execution'
import { deleteGoal, type GoalView, listGoals, pauseGoal, putGoal, resumeGoal } from '@deed/proto/goal'
import type { ExecutionId } from '@deed/proto/ids'
import { deleteSchedule, listSchedules, pauseSchedule, putSchedule } from '@deed/proto/schedule'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

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
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  port = (free.address() as AddressInfo).port
  free.close()
  await once(free, 'close')
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
  goalThat(name, ({ status }) => status === 'active', `the goal ${name} to stand`)

async function approve(executionId: ExecutionId): Promise<number> {
  const approval = await until(
    async () => (await under.client.call(listApprovals, { execution_id: executionId, status: 'pending' })).approvals[0],
    { what: 'an approval' },
  )
  await under.client.call(decideApproval, { approval_id: approval.approval_id, decision: 'approve' })
  return approval.level
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

    expect(await under.client.call(pauseGoal, { name: 'api-up' })).toMatchObject({ paused: true, next_look_at: null })
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
    const look = { kind: 'service.status', kind_version: 1, input: { target: 'api' } }
    const manifest = {
      name: 'site',
      tasks: [
        { id: 'page', action: write('site/page.txt', 'page'), depends_on: ['looked'], on_failure: 'ask' as const },
        { id: 'looked', action: look, depends_on: ['folder'] },
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

describe('a time from a caller', () => {
  it.each([
    '2026-02-30T00:00:00Z',
    '2026-11-21T08:00:00',
    '2026-12-31T23:59:60Z',
    '2026-11-21',
    '2026-11-21T25:00:00Z',
  ])('is refused unless it is RFC 3339 with a zone: %s', async (since) => {
    await expect(under.client.call(listExecutions, { since })).rejects.toMatchObject({
      code: 'invalid_request',
      path: '$.since',
    })
  })

  it('however far away decides nothing', async () => {
    const { executions } = await under.client.call(listExecutions, {})
    const since = await under.client.call(listExecutions, { since: '1970-01-01T00:00:00+01:00', limit: 1 })
    expect(since.executions[0]).toEqual(executions[0])
    const until = await under.client.call(listExecutions, { until: '9999-12-31T23:59:59Z', limit: 1 })
    expect(until.executions[0]).toEqual(executions[0])
  })
})

/** Undoes again and again what a goal restores. */
function undoer(file: string): Disposable {
  const timer = setInterval(() => rmSync(file, { force: true }), 50)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

describe('a schedule', () => {
  const madeBy = async (scheduleId: string): Promise<{ key: string; status: string }[]> => {
    const found = await under.database.query<{ key: string; status: string }>(
      `select idempotency_key as key, status from orchestrator.executions where idempotency_key like $1 order by 1`,
      [`schedule:${scheduleId}:%`],
    )
    return found.rows
  }

  it('makes one execution for each of its times, also where the orchestrator dies in between', async () => {
    const put = await under.client.call(putSchedule, {
      name: 'tick',
      request: { task: 'write "tick" to tick.txt' },
      every_ms: 1_000,
    })
    expect(put.due).toHaveLength(3)
    await until(async () => (await madeBy(put.schedule_id)).length >= 2, { what: 'two executions' })
    const orchestrator = under.mesh.service('orchestrator')
    await orchestrator.crashAt('orchestrator.after_fire')
    await until(() => orchestrator.pid === undefined, { what: 'the death of the orchestrator' })
    const before = (await madeBy(put.schedule_id)).length
    await orchestrator.start(under.mesh.environmentOf('orchestrator'))
    await until(async () => (await madeBy(put.schedule_id)).length > before + 1, { what: 'further executions' })
    await under.client.call(pauseSchedule, { name: 'tick' })
    // Each time counts once, the one whose execution was made and not noted, too.
    const made = await until(
      async () => {
        const [{ fired } = { fired: -1 }] = (await under.client.call(listSchedules, { name: 'tick' })).schedules
        const executions = await madeBy(put.schedule_id)
        return executions.length === fired ? executions : undefined
      },
      { what: 'as many executions as times' },
    )
    expect(await under.client.call(deleteSchedule, { name: 'tick' })).toEqual({ deleted: true })
    for (const { key } of made) expect((Date.parse(key.slice(-24)) - Date.parse(put.due[0]!)) % 1_000).toBe(0)
    const { execution_id: id } = await under.client.call(getExecution, { idempotency_key: made[0]!.key })
    const first = await until(async () => {
      const detail = await under.client.call(getExecution, { execution_id: id })
      return detail.status === 'done' ? detail : undefined
    })
    expect(first.timeline[0]?.data).toMatchObject({ schedule: 'tick', due_at: put.due[0] })
  })

  it('runs a manifest, whole, at each of its times', async () => {
    const file = join(under.workspace, 'timed.yaml')
    writeFileSync(
      file,
      'name: timed\ntasks:\n  - { id: one, task: write "1" to timed-1.txt }\n' +
        '  - { id: two, depends_on: [one], action: { kind: file.write, input: { path: timed-2.txt, content: "2" } } }\n',
    )
    const put = await startDeed(under.mesh.dataDir, [
      ...['schedule', 'put', 'timed', '-f', file, '--every', '1s', '--json'],
    ]).ended
    expect(JSON.parse(put.stdout)).toMatchObject({
      request: { task: 'manifest timed', manifest: { name: 'timed', tasks: 2 } },
    })
    const { execution_id: id } = await until(
      async () => (await under.client.call(listSchedules, { name: 'timed' })).schedules.find(({ fired }) => fired > 0),
      { what: 'the first time' },
    )
    await under.client.call(deleteSchedule, { name: 'timed' })
    const detail = await until(
      async () => {
        const found = await under.client.call(getExecution, { execution_id: id! })
        return found.status === 'done' ? found : undefined
      },
      { what: 'its end' },
    )
    expect(detail.tasks.map(({ name }) => name)).toEqual(['one', 'two'])
    expect(readFileSync(join(under.workspace, 'timed-2.txt'), 'utf8')).toBe('2')
    const wrong = { name: 'wrong', every_ms: 1_000, request: { manifest: { name: 'x', tasks: [] } } }
    await expect(under.client.call(putSchedule, wrong)).rejects.toMatchObject({ code: 'invalid_request' })
    const unknown = { name: 'x', tasks: [{ id: 'a', task: 'write "1" to a.txt', depends_on: ['b'] }] }
    await expect(
      under.client.call(putSchedule, { name: 'wrong', every_ms: 1_000, request: { manifest: unknown } }),
    ).rejects.toMatchObject({ code: 'unknown_dependency', path: expect.stringContaining('$.request.manifest.tasks') })
  })

  it('has a time skipped, queued, or replace what runs, as it was told to', async () => {
    // Each waits for agreement, since something is there already.
    writeFileSync(join(under.workspace, 'waits.txt'), 'there')
    const request = { task: 'write "changed" to waits.txt' }
    for (const overlap of ['skip', 'queue', 'replace'] as const) {
      await under.client.call(putSchedule, { name: overlap, request, every_ms: 1_000, overlap })
    }
    const stand = await until(
      async () => {
        const { schedules } = await under.client.call(listSchedules, {})
        const { skip, queue, replace } = Object.fromEntries(schedules.map((one) => [one.name, one]))
        if (!skip || !queue || !replace) throw new Error('a schedule is missing')
        return skip.skipped > 0 && queue.queued.length > 0 && replace.fired > 1 ? { skip, queue, replace } : undefined
      },
      { what: 'times that come while something runs' },
    )
    expect(stand.skip.fired).toBe(1)
    expect(stand.queue.fired).toBe(1)
    const replaced = await madeBy(stand.replace.schedule_id)
    expect(replaced[0]).toMatchObject({ status: 'cancelled' })
    for (const name of ['skip', 'queue', 'replace']) await under.client.call(deleteSchedule, { name })
  })

  it('is refused where its times cannot be, and nothing is stored', async () => {
    const before = await rows('schedules')
    const put = (input: object) =>
      under.client.call(putSchedule, { name: 'refused', request: { task: 'How is api?' }, ...input })
    await expect(put({ every_ms: 0 })).rejects.toMatchObject({ code: 'out_of_range', path: '$.every_ms' })
    await expect(put({ every_ms: 999 })).rejects.toMatchObject({ code: 'out_of_range' })
    await expect(put({})).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(put({ cron: '* * * * *', every_ms: 1_000 })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(put({ cron: '0 25 * * *' })).rejects.toMatchObject({
      path: '$.cron',
      message: expect.stringContaining('"25" at character 3 is not a valid hour') as string,
    })
    await expect(put({ cron: '0 3 * * *', timezone: 'Europe/Atlantis' })).rejects.toMatchObject({ path: '$.timezone' })
    // A time is no expression: neither one that never was, nor one without a zone, nor one far away.
    for (const cron of [
      '2026-02-30T00:00:00Z',
      '2026-11-21T08:00:00',
      '1970-01-01T00:00:00Z',
      '9999-12-31T23:59:60Z',
    ]) {
      await expect(put({ cron })).rejects.toMatchObject({ code: 'invalid_request', path: '$.cron' })
    }
    await expect(put({ every_ms: 1_000, request: { task: '' } })).rejects.toMatchObject({ code: 'empty_task' })
    await expect(put({ every_ms: 1_000, request: { task: 'x', idempotency_key: 'mine' } })).rejects.toMatchObject({
      code: 'unknown_field',
    })
    expect(await rows('schedules')).toBe(before)
    expect((await under.client.call(listSchedules, {})).schedules).toEqual([])
  })
})
