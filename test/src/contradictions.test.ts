// Wishes that contradict: goals, schedules, manifests, rollbacks, each refused by name where another would undo it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { deleteGoal, type GoalView, listGoals, pauseGoal, putGoal, resumeGoal } from '@deed/proto/goal'
import type { ExecutionId } from '@deed/proto/ids'
import { listSchedules, putSchedule } from '@deed/proto/schedule'
import { cancelExecution, rollbackExecution } from '@deed/proto/steering'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest

beforeAll(async () => {
  under = opened.use(await meshUnderTest())
})
afterAll(() => opened.disposeAsync())

const goalNamed = async (name: string): Promise<GoalView | undefined> =>
  (await under.client.call(listGoals, { name })).goals[0]

async function keep(name: string, task: string): Promise<ExecutionId> {
  const { execution_id } = await under.client.call(putGoal, { name, task, interval_ms: 1_000 })
  const approval = await until(
    async () =>
      (await under.client.call(listApprovals, { execution_id: execution_id as ExecutionId, status: 'pending' }))
        .approvals[0],
    { timeoutMs: 60_000, what: 'a question' },
  )
  await under.client.call(decideApproval, { approval_id: approval.approval_id, decision: 'approve' })
  const goal = await until(
    async () => {
      const found = await goalNamed(name)
      return found?.status === 'active' ? found : undefined
    },
    { timeoutMs: 60_000, what: `the goal ${name}` },
  )
  return goal.execution_id as ExecutionId
}

const CONFLICT = 'goal_conflict'

describe('a goal', () => {
  it('is refused beside one that keeps the opposite, and both are named', async () => {
    await keep('motd', 'write "hello" to motd.txt')
    await expect(under.client.call(putGoal, { name: 'empty', task: 'delete motd.txt' })).rejects.toMatchObject({
      code: CONFLICT,
      message: expect.stringMatching(/goal empty.*motd\.txt.*goal motd.*deed goal pause motd/),
    })
    await expect(under.client.call(putGoal, { name: 'other', task: 'write "bye" to motd.txt' })).rejects.toMatchObject({
      code: CONFLICT,
    })
    expect(await goalNamed('empty')).toBeUndefined()
  })

  it('is kept beside one that wants the same in the same way', async () => {
    await keep('same', 'write "hello" to motd.txt')
    await under.client.call(deleteGoal, { name: 'same' })
  })

  it('may be put in the place of one of its own name that kept something else', async () => {
    await keep('turned', 'write "one" to turned.txt')
    const put = await under.client.call(putGoal, { name: 'turned', task: 'write "two" to turned.txt' })
    expect(put.name).toBe('turned')
    await under.client.call(deleteGoal, { name: 'turned' })
  })

  it('is not resumed where something was put meanwhile that wants the opposite', async () => {
    await under.client.call(pauseGoal, { name: 'motd' })
    await keep('rival', 'write "rival" to motd.txt')
    await expect(under.client.call(resumeGoal, { name: 'motd' })).rejects.toMatchObject({ code: CONFLICT })
    await under.client.call(deleteGoal, { name: 'rival' })
    await under.client.call(resumeGoal, { name: 'motd' })
    await until(() => readFileSync(join(under.workspace, 'motd.txt'), 'utf8') === 'hello' || undefined, {
      timeoutMs: 60_000,
      what: 'the goal to bring its file about',
    })
  })
})

describe('a schedule', () => {
  it('is refused where a goal would put back what it does, and the other way round', async () => {
    await expect(
      under.client.call(putSchedule, { name: 'clean', request: { task: 'delete motd.txt' }, every_ms: 3_600_000 }),
    ).rejects.toMatchObject({ code: CONFLICT, message: expect.stringMatching(/schedule clean.*goal motd/) })
    expect((await under.client.call(listSchedules, {})).schedules).toEqual([])
    await under.client.call(putSchedule, {
      name: 'sweep',
      request: { task: 'delete swept.txt' },
      every_ms: 3_600_000,
    })
    await expect(under.client.call(putGoal, { name: 'swept', task: 'write "x" to swept.txt' })).rejects.toMatchObject({
      code: CONFLICT,
      message: expect.stringMatching(/goal swept.*schedule sweep/),
    })
  })
})

describe('a manifest', () => {
  const manifest = (content: string) => ({
    manifest: {
      name: 'site',
      tasks: [{ id: 'page', action: { kind: 'file.write', input: { path: 'motd.txt', content } } }],
    },
    mode: 'background' as const,
  })

  it('fails before anybody is asked where a goal keeps something else', async () => {
    const { execution_id } = await under.client.call(requestExecution, manifest('bye'))
    const end = await until(
      async () => {
        const detail = await under.client.call(getExecution, { execution_id })
        return detail.status === 'failed' ? detail : undefined
      },
      { timeoutMs: 60_000, what: 'the end' },
    )
    expect(end.error).toMatchObject({ code: CONFLICT, message: expect.stringMatching(/manifest site.*goal motd/) })
    expect(end.tasks).toEqual([])
  })
})

describe('a task in words', () => {
  it('is refused where a goal keeps the opposite: in a dry run at once, else before anybody is asked', async () => {
    const task = 'write "bye" to motd.txt'
    const refusal = {
      code: CONFLICT,
      message: expect.stringMatching(/task .*bye.*motd\.txt.*goal motd.*deed goal pause/),
    }
    await expect(under.client.call(requestExecution, { task, dry_run: true })).rejects.toMatchObject(refusal)
    const { execution_id, status, error } = await under.client.call(requestExecution, { task })
    expect({ status, error }).toMatchObject({ status: 'failed', error: refusal })
    expect((await under.client.call(getExecution, { execution_id })).tasks).toEqual([])
    const gone = await under.client.call(requestExecution, { task: 'delete motd.txt' })
    expect(gone).toMatchObject({ status: 'failed', error: { code: CONFLICT } })
    expect(readFileSync(join(under.workspace, 'motd.txt'), 'utf8')).toBe('hello')
  })

  it('is done where it wants what a goal keeps, or something else', async () => {
    for (const task of ['write "hello" to motd.txt', 'write "x" to elsewhere.txt'])
      expect(await under.client.call(requestExecution, { task })).toMatchObject({ status: 'done' })
  })
})

describe('a rollback of what a goal keeps', () => {
  it('is refused with the goal named, and pauses it where that is asked for', async () => {
    await under.client.call(deleteGoal, { name: 'motd' })
    const id = await keep('note', 'write "note" to note.txt')
    await expect(under.client.call(rollbackExecution, { execution_id: id })).rejects.toMatchObject({
      code: CONFLICT,
      message: expect.stringContaining('deed goal pause note'),
    })
    const dry = await under.client.call(rollbackExecution, { execution_id: id, dry_run: true })
    expect(dry.steps).toMatchObject([{ outlook: 'cannot', why: expect.stringContaining('goal note keeps this') }])
    await expect(under.client.call(cancelExecution, { execution_id: id, undo: true })).rejects.toMatchObject({
      code: CONFLICT,
    })
    expect((await goalNamed('note'))?.paused).toBe(false)

    const undone = await startDeed(under.mesh.dataDir, ['rollback', id, '--pause-goals', '--yes']).ended
    expect(undone, undone.stderr).toMatchObject({ code: 0 })
    expect(await goalNamed('note')).toMatchObject({ paused: true })
    expect(existsSync(join(under.workspace, 'note.txt'))).toBe(false)
  })
})
