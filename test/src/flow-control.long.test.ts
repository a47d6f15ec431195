// What may be asked and handed out, on a real mesh: in turn, at the target's rate, and no more than there is room for.
import { ask } from '@deed/drill/harness/ask'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import { requestExecution } from '@deed/proto/execution'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SLOTS = 4
const WAITING_MAX = 150
/** Of one identity, at once. */
const AT_ONCE = 400
const CONFIG = `
workers: { count: ${SLOTS / 2}, max_concurrent_tasks: 2 }
verification: { verify_delay_seconds: 0.1 }
limits: { waiting: ${WAITING_MAX}, requests_per_second: ${AT_ONCE / 2} }
cache: { ttl_seconds: 0.001 }
targets:
  press: { type: process, command: [node, press.mjs], rate_limit: { per_minute: 60, burst: 2 } }
`

describe('flow control', () => {
  let under: MeshUnderTest
  beforeAll(async () => {
    under = await meshUnderTest({ config: CONFIG })
  }, 60_000)
  afterAll(() => under?.[Symbol.asyncDispose]())

  const background = (tenant: string, task: string): Promise<string> =>
    under.client
      .call(requestExecution, { task, mode: 'background' }, { principal: { tenant, user: 'ada' } })
      .then(({ execution_id: id }) => id)

  it('lets tasks begin on a target at its rate, and loses none', async () => {
    const { database } = under
    const { rows: began } = await database.query<{ now: Date }>('select clock_timestamp() as now')
    for (let count = 0; count < 4; count++) {
      const reply = await ask(under.client, {
        task: 'is the press service running?',
        idempotency_key: `press-${count}`,
      })
      expect(reply).toMatchObject({ status: 'done' })
    }
    const { rows } = await database.query<{ after_ms: number }>(
      `select (extract(epoch from started_at - $1::timestamptz) * 1000)::float8 as after_ms
         from orchestrator.actual_state where task_kind = 'act' and started_at > $1 order by started_at`,
      [began[0]?.now],
    )
    expect(rows).toHaveLength(4)
    // A burst of two; then each waits for its turn, a second after the one before.
    expect(rows[2]?.after_ms).toBeGreaterThanOrEqual(1_000 - 5)
    expect(rows[3]?.after_ms).toBeGreaterThanOrEqual(2_000 - 5)
  })

  it('has as much room after failures as before them', async () => {
    const { client, database } = under
    for (let count = 0; count < SLOTS; count++) {
      // It fails after its effect, so that its undo follows it at once.
      const input = { path: `fails-${count}.txt`, content: 'it' }
      const action = { kind: 'file.write', input, verify: { kind: 'file' as const, path: 'never.txt' } }
      const manifest = { name: `fails-${count}`, tasks: [{ id: 'write', action }] }
      expect(await client.call(requestExecution, { manifest })).toMatchObject({ status: 'rolled_back' })
    }
    const files = Array.from({ length: SLOTS - 1 }, (_, index) => `room-${index}.txt`)
    const waiting = files.map((file) => ask(client, { task: `wait until ${file} exists`, idempotency_key: file }))
    const running = async (): Promise<boolean> => {
      const { rows } = await database.query(
        `select from orchestrator.actual_state where actual_status = 'in_progress' and assigned_agent is not null`,
      )
      return rows.length === files.length
    }
    await until(running, { what: 'all that wait, at once' })
    for (const file of files) {
      const written = await ask(client, { task: `write "x" to ${file}`, idempotency_key: `${file}-written` })
      expect(written).toMatchObject({ status: 'done' })
    }
    for (const reply of await Promise.all(waiting)) expect(reply).toMatchObject({ status: 'done' })
  })

  it('gives each tenant its turn, and refuses one that has too much waiting', async () => {
    const { mesh, database, client } = under
    await mesh.service('executor').stop()
    await until(async () => {
      const { rows } = await database.query(
        `select from orchestrator.agents where status in ('idle', 'busy') and capability = 'act'`,
      )
      return rows.length === 0
    })
    const waiting = (): Promise<boolean> =>
      client.call(requestExecution, { task: ' ' }, { principal: { tenant: 'crowd', user: 'probe' } }).then(
        () => false,
        (error: unknown) => error instanceof DeedError && error.code === 'overloaded',
      )
    for (let count = 0; count < WAITING_MAX; count++) await background('crowd', `write "x" to crowd-${count}.txt`)
    await until(waiting, { what: 'a full queue' })
    await expect(background('crowd', 'write "x" to one-too-many.txt')).rejects.toMatchObject({
      code: 'overloaded',
      retryable: true,
      details: { retry_after_ms: expect.any(Number) },
    })
    const alone = await background('alone', 'write "x" to alone.txt')
    const status = async (count: string): Promise<number> => {
      const { rows } = await database.query<{ count: number }>(
        `select count(*)::int as count from orchestrator.executions ${count}`,
      )
      return rows[0]?.count ?? -1
    }
    await until(async () => (await status(`where tenant = 'alone' and status = 'running'`)) === 1)
    await mesh.service('executor').start()
    await until(async () => (await status(`where tenant = 'crowd' and status = 'done'`)) === WAITING_MAX, {
      timeoutMs: 60_000,
    })
    const before = await status(`where tenant = 'crowd' and finished_at < (
      select finished_at from orchestrator.executions where execution_id = '${alone}')`)
    expect(before).toBeLessThan(20)
  })

  it('refuses an identity that asks too often, and no other', async () => {
    const flood = { tenant: 'local', user: 'flood' }
    const codes = await Promise.all(
      Array.from({ length: 3 * AT_ONCE }, () =>
        under.client.call(requestExecution, { task: ' ' }, { principal: flood }).then(
          () => 'accepted',
          (error: ErrorBody) => error.code,
        ),
      ),
    )
    expect(new Set(codes)).toEqual(new Set(['empty_task', 'rate_limited']))
    expect(codes.filter((code) => code === 'empty_task').length).toBeGreaterThanOrEqual(AT_ONCE)
    await expect(under.client.call(requestExecution, { task: ' ' })).rejects.toMatchObject({ code: 'empty_task' })
  })
})
