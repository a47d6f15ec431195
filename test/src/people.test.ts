// What waits for people: listed, decided, and then the work continues. On a whole mesh, from outside of it.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { type Alert, alert } from '@deed/proto/alert'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { PersonDecision, PersonTask } from '@deed/proto/person'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const opened = new AsyncDisposableStack()
const alerts: Alert[] = []
let under: MeshUnderTest

beforeAll(async () => {
  under = opened.use(await meshUnderTest())
  under.client.nc.subscribe(alert.subject, { callback: (_, message) => alerts.push(message.json<Alert>()) })
  await under.client.nc.flush()
})
afterAll(() => opened.disposeAsync())

const start = async (task: string, more: object = {}): Promise<ExecutionId> =>
  (await under.client.call(requestExecution, { task, mode: 'background', ...more })).execution_id as ExecutionId

const statusBecomes = (id: ExecutionId, status: ExecutionDetail['status']): Promise<ExecutionDetail> =>
  until(
    async () => {
      const found = await under.client.call(getExecution, { execution_id: id })
      return found.status === status ? found : undefined
    },
    { what: `execution ${id} to be ${status}` },
  )

const openTask = (id: ExecutionId): Promise<PersonTask> =>
  until(async () => (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).tasks[0], {
    what: `a task for a person of ${id}`,
  })

const decide = ({ approval_id }: PersonTask, decision: PersonDecision, text?: string) =>
  under.client.call(decideApproval, {
    approval_id,
    decision,
    reason: 'test',
    ...(text === undefined ? {} : { result: { text } }),
  })

const file = (path: string): string => join(under.workspace, path)

describe('what a person is asked to do', () => {
  it('takes no verify, since nothing but their word proves it', async () => {
    const action = { kind: 'human.task', kind_version: 1, input: { ask: 'check pump 2' } }
    const asked = (more: object) =>
      under.client.call(requestExecution, {
        manifest: { name: 'pump', tasks: [{ id: 'ask', action: { ...action, ...more } }] },
        dry_run: true,
      } as never)
    await asked({})
    await expect(asked({ verify: { kind: 'file', path: 'seen' } })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('put the observation into a wait.until after it'),
    })
  })

  it('waits for them, and what waits for it continues with what they provide', async () => {
    const id = await start('ask a person to check pump 3, then write "checked" to pump.txt')
    const asked = await openTask(id)
    expect(asked).toMatchObject({ kind: 'provide', title: 'check pump 3', decisions: ['provide', 'deny'] })
    expect(await statusBecomes(id, 'waiting')).toMatchObject({ approval_id: asked.approval_id })
    expect(existsSync(file('pump.txt'))).toBe(false)
    await expect(decide(asked, 'provide')).rejects.toMatchObject({ code: 'missing_field' })
    await expect(decide(asked, 'skip')).rejects.toMatchObject({ code: 'invalid_request', path: '$.decision' })
    expect(await decide(asked, 'provide', 'the seals hold')).toMatchObject({ status: 'resolved' })
    const done = await statusBecomes(id, 'done')
    expect(done.verification).toContainEqual(
      expect.objectContaining({
        kind: 'signed',
        outcome: 'verified',
        observed: 'user provided: the seals hold',
        facts: expect.objectContaining({ by: 'user' }),
      }),
    )
    expect(done.result?.text).toContain('the seals hold')
    expect(readFileSync(file('pump.txt'), 'utf8')).toBe('checked')
    await expect(decide(asked, 'provide', 'again')).rejects.toMatchObject({ code: 'approval_already_used' })
    const { rows } = await under.database.query(
      'select count(*)::int as n from executor.actions where execution_id = $1',
      [id],
    )
    expect(rows).toEqual([{ n: 1 }])
  })

  it('denies the rest when they will not, and undoes what was done', async () => {
    const id = await start('write "draft" to denied.txt, then ask a person to sign the draft')
    await decide(await openTask(id), 'deny')
    const end = await statusBecomes(id, 'denied')
    expect(end.error).toMatchObject({ code: 'approval_denied' })
    expect(existsSync(file('denied.txt'))).toBe(false)
  })
})

describe('a task that fails for good, where the request wants to ask', () => {
  const blocked = async (name: string): Promise<{ id: ExecutionId; review: PersonTask }> => {
    writeFileSync(file(`${name}.d`), 'in the way')
    const task = `write "a" to ${name}-1.txt, then write "x" to ${name}.d/x.txt, then write "b" to ${name}-2.txt`
    const id = await start(task, { on_failure: 'ask' })
    return { id, review: await openTask(id) }
  }

  it('is asked about once, with one alert, and is tried again when a person says so', async () => {
    const { id, review } = await blocked('again')
    expect(review).toMatchObject({
      kind: 'review',
      cause: 'failed',
      name: expect.stringMatching(/^HUMAN-REVIEW-/),
      about: { status: 'blocked', action: { kind: 'file.write' } },
    })
    expect(readFileSync(file('again-1.txt'), 'utf8')).toBe('a')
    rmSync(file('again.d'))
    await decide(review, 'retry')
    await statusBecomes(id, 'done')
    expect(readFileSync(file('again.d/x.txt'), 'utf8')).toBe('x')
    expect(readFileSync(file('again-2.txt'), 'utf8')).toBe('b')
    const raised = alerts.filter(({ execution_id, name }) => execution_id === id && name === 'human-review')
    expect(raised).toMatchObject([{ data: { approval_id: review.approval_id, decisions: review.decisions } }])
  })

  it('is left out, or taken as done, as a person decides', async () => {
    const skipped = await blocked('skip')
    await decide(skipped.review, 'skip')
    const done = await statusBecomes(skipped.id, 'done')
    expect(done.tasks.map(({ actual_status }) => actual_status)).toContain('skipped')
    expect(readFileSync(file('skip-2.txt'), 'utf8')).toBe('b')

    const provided = await blocked('provide')
    await decide(provided.review, 'provide', 'did it by hand')
    const { tasks } = await statusBecomes(provided.id, 'done')
    expect(tasks.find(({ evidence }) => evidence?.kind === 'signed')).toMatchObject({
      result: { text: 'did it by hand' },
    })
  })

  it('undoes what was done when a person gives it up', async () => {
    const { id, review } = await blocked('cancel')
    expect(await decide(review, 'cancel')).toMatchObject({ status: 'cancelled' })
    await statusBecomes(id, 'cancelled')
    expect(existsSync(file('cancel-1.txt'))).toBe(false)
  })

  it('is seen and decided from the command line', async () => {
    const { id, review } = await blocked('command')
    const deed = async (...args: string[]) => (await startDeed(under.mesh.dataDir, args).ended).stdout
    expect(await deed('get', 'reviews', '--execution', id)).toMatch(
      new RegExp(`^${review.approval_id} +pending +failed +retry replan skip provide cancel`, 'm'),
    )
    expect(await deed('resolve', review.approval_id, 'skip', '--reason', 'not needed')).toMatch(/^resolved/)
    await statusBecomes(id, 'done')
    expect(JSON.parse(await deed('kinds', 'human.task', '--json'))).toMatchObject({ done_by: 'person' })
  })
})
