// A read that somebody waits for has room of its own, however much work waits behind it.
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { type ExecutionReply, requestExecution } from '@deed/proto/execution'
import { expect, it } from 'vitest'

const TARGETS = 'targets: { press: { type: process, command: [node, press.mjs] } }'
/** No answer of the cache: each read is done. */
const UNCACHED = 'cache: { ttl_seconds: 0.001 }'
const DEADLINE_MS = 30_000

const read = ({ client }: MeshUnderTest, key: string): Promise<ExecutionReply> =>
  client.call(
    requestExecution,
    { task: 'is the press service running?', idempotency_key: key },
    { timeoutMs: DEADLINE_MS },
  )

const background = ({ client }: MeshUnderTest, task: string, user: string): Promise<ExecutionReply> =>
  client.call(
    requestExecution,
    { task, mode: 'background' },
    { principal: { tenant: 'local', user }, timeoutMs: 120_000 },
  )

async function unfinished({ database }: MeshUnderTest): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::int as count from orchestrator.executions where status in ('planning', 'running')`,
  )
  return rows[0]?.count ?? 0
}

it('a read is answered within its deadline while thousands of background requests come in and wait', async () => {
  await using under = await meshUnderTest({ config: `${UNCACHED}\n${TARGETS}` })
  const accepted = Promise.all(
    Array.from({ length: 5_000 }, (_, n) => background(under, `write "x" to file-${n}.txt`, `user-${n % 10}`)),
  )
  const first = read(under, 'first')
  await accepted
  expect(await first).toMatchObject({ status: 'done', result: { text: 'press does not run' } })
  for (const key of ['second', 'third', 'fourth']) {
    expect(await read(under, key)).toMatchObject({ status: 'done', result: { text: 'press does not run' } })
    // It has not waited until the others were done.
    expect(await unfinished(under)).toBeGreaterThan(1_000)
  }
}, 300_000)

it('a read is answered while every slot of every worker is taken by long work', async () => {
  await using under = await meshUnderTest({
    config: `workers: { count: 1, max_concurrent_tasks: 2 }\n${UNCACHED}\n${TARGETS}`,
  })
  for (let n = 0; n < 6; n++) await background(under, `wait until never-${n}.txt exists`, 'waits')
  const taken = async (): Promise<boolean> => {
    const { rows } = await under.database.query(
      `select from orchestrator.actual_state where actual_status = 'in_progress' and assigned_agent is not null`,
    )
    return rows.length === 2
  }
  await until(taken, { what: 'both slots taken', timeoutMs: 60_000 })
  for (const key of ['first', 'second', 'third'])
    expect(await read(under, key)).toMatchObject({ status: 'done', result: { text: 'press does not run' } })
  expect(await taken()).toBe(true)
}, 180_000)
