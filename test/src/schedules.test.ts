// What is done at its times, over the bus, on a whole mesh whose orchestrator is really killed.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { getExecution, listExecutions } from '@deed/proto/execution'
import { deleteSchedule, listSchedules, pauseSchedule, putSchedule } from '@deed/proto/schedule'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let under: MeshUnderTest
beforeAll(async () => {
  under = await meshUnderTest()
})
afterAll(() => under[Symbol.asyncDispose]())

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
    const _schedules = async () => (await under.database.query('select from orchestrator.schedules')).rowCount
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
    const schedules = async () => (await under.database.query('select from orchestrator.schedules')).rowCount
    const before = await schedules()
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
    expect(await schedules()).toBe(before)
    expect((await under.client.call(listSchedules, {})).schedules).toEqual([])
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
