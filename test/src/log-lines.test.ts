// What the services of a real mesh write about an execution: who looks for its lines finds them by its ids.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '@deed/drill/harness/ask'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import type { ExecutionReply } from '@deed/proto/execution'
import { startCollector } from '@deed/telemetry/test-collector'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'

const Line = z.looseObject({
  time: z.int(),
  level: z.string(),
  service: z.string(),
  instance: z.string(),
  msg: z.string(),
  execution_id: z.uuid().optional(),
  task_id: z.uuid().optional(),
  attempt: z.int().optional(),
  trace_id: z.string().optional(),
  span_id: z.string().optional(),
})
type Line = z.output<typeof Line>

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let reply: ExecutionReply
beforeAll(async () => {
  const collector = opened.use(await startCollector())
  under = opened.use(
    await meshUnderTest({
      env: { ...collector.env, OTEL_TRACES_SAMPLER: 'parentbased_always_on', LOG_LEVEL: 'debug' },
    }),
  )
  reply = await ask(under.client, { task: 'write "x" to a.txt', idempotency_key: 'a' })
  await until(() => about(reply).some(({ msg }) => msg === 'attempt ended'), { what: 'the line of the executor' })
  await until(() => about(reply).some(({ msg }) => msg === 'execution ended'), { what: 'the line of the orchestrator' })
}, 120_000)
afterAll(() => opened.disposeAsync())

/** Of all services. */
const lines = (): Line[] =>
  readdirSync(join(under.mesh.dataDir, 'logs'))
    .flatMap((file) =>
      under
        .log(file.replace(/\.log$/, ''))
        .split('\n')
        .slice(0, -1),
    )
    .map((line) => Line.parse(JSON.parse(line)))

const about = ({ execution_id }: ExecutionReply): Line[] => lines().filter((line) => line.execution_id === execution_id)

it('each line about an execution has its trace, whichever service wrote it', () => {
  expect(reply.status).toBe('done')
  const found = about(reply)
  expect([...new Set(found.map(({ service }) => service))]).toEqual(
    expect.arrayContaining(['executor', 'orchestrator']),
  )
  expect(found.filter(({ trace_id }) => trace_id !== reply.trace_id)).toEqual([])
})

it('each line about a task has the task, and that of an attempt has the attempt and the span', () => {
  const ended = about(reply).find(({ msg }) => msg === 'attempt ended')
  expect(ended).toMatchObject({
    service: 'executor',
    task_id: expect.any(String),
    attempt: 1,
    span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
  })
  const report = about(reply).find(({ subject }) => String(subject).startsWith('task.report'))
  expect(report).toMatchObject({ service: 'orchestrator', task_id: ended?.task_id, attempt: 1 })
})
