// Executions through every service, each of which sends its spans to a collector: each is one trace.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { freePort } from '@deed/local/kept-port'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { decideApproval } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import { deleteGoal, putGoal } from '@deed/proto/goal'
import { deleteSchedule, listSchedules, putSchedule } from '@deed/proto/schedule'
import { retryExecution, rollbackExecution } from '@deed/proto/steering'
import { startCollector } from '@deed/telemetry/test-collector'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts'
import { askedOf, endOf } from './follow.ts'
import { edgesOf, expectWhole, KINDS, linesOf, receivedTrace } from './received-trace.ts'

const SERVICE = `
  import { createServer } from 'node:http'
  createServer((_, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1')
`
const BY_MODEL = {
  kind: 'file.write',
  name: 'write',
  title: 'write a poem',
  input: { path: 'poem.txt', content: 'roses' },
}
const SERVICES = ['executor', 'hybrid-agent', 'orchestrator', 'semantic-cache', 'task-decomposer', 'template-optimizer']

describe.each(['together', 'apart'] as const)('an execution is one trace, the thinking services %s,', (thinkers) => {
  const opened = new AsyncDisposableStack()
  let collector: Awaited<ReturnType<typeof startCollector>>
  let under: MeshUnderTest

  beforeAll(async () => {
    collector = opened.use(await startCollector())
    const folder = opened.use(temporaryFolder())
    const model = opened.use(await startFakeOllama({ answer: () => ({ json: { actions: [BY_MODEL] } }) }))
    const port = await freePort()
    writeFileSync(join(folder.path, 'server.mjs'), SERVICE)
    under = opened.use(
      await meshUnderTest({
        thinkers,
        config: `
targets:
  frontdesk:
    type: process
    command: [node, server.mjs]
    cwd: ${folder.path}
    env: { PORT: "${port}" }
    health: { url: "http://127.0.0.1:${port}/" }
`,
        env: {
          ...collector.env,
          ...{ OTEL_TRACES_SAMPLER: 'parentbased_always_on', OTEL_BSP_SCHEDULE_DELAY: '100', OLLAMA_HOST: model.url },
        },
      }),
    )
  })
  afterAll(() => opened.disposeAsync())

  const statusOf = async (execution_id: string, status: string): Promise<ExecutionDetail> =>
    until(
      async () => {
        const found = await under.client.call(getExecution, { execution_id })
        return found.status === status && found
      },
      { what: `${execution_id} is ${status}` },
    )

  it('through all services, from its acceptance to its end, with the decision of a person in it', async () => {
    const { client } = under
    const { execution_id } = await client.call(requestExecution, {
      task: 'start frontdesk',
      // Only then are the template DAG and the task DAG asked, though a rule knows the words.
      complexity: 'complex',
      mode: 'background',
    })
    const approval_id = await until(async () => (await client.call(getExecution, { execution_id })).approval_id)
    await client.call(decideApproval, { approval_id, decision: 'approve' })
    const { trace_id } = await statusOf(execution_id, 'done')
    const spans = await receivedTrace(collector, trace_id, [
      ...['process action.inspect', 'process agent.process', 'process approval.decide', 'process cache.get'],
      ...['process task.decompose', 'process task.report', 'process template.select', 'process work.act'],
      ...['send event.execution.*.*', 'wait approval', 'plan'],
    ])
    const root = expectWhole(spans, execution_id)
    expect(root).toMatchObject({
      ...{ name: 'process execution.request', service: 'orchestrator', kind: 2, status: 0 },
      attributes: { 'deed.execution.status': 'done', 'deed.tenant': 'local' },
    })
    expect([...new Set(spans.map(({ service }) => service))].sort()).toEqual(SERVICES)
    expect(linesOf(spans)).toEqual(
      expect.arrayContaining([
        'executor: act service.start (internal)',
        'executor: observe service.start (internal)',
        'executor: process action.inspect (server)',
        'executor: process work.act (consumer)',
        'executor: request task.report (client)',
        'hybrid-agent: process agent.process (server)',
        'orchestrator: plan (internal)',
        'orchestrator: process approval.decide (server)',
        'orchestrator: process task.report (server)',
        'orchestrator: request action.inspect (client)',
        'orchestrator: send event.execution.*.* (producer)',
        'orchestrator: send work.act (producer)',
        'orchestrator: wait approval (internal)',
        'semantic-cache: process cache.get (server)',
        'task-decomposer: process task.decompose (server)',
        'template-optimizer: process template.select (server)',
      ]),
    )
    expect(edgesOf(spans)).toEqual([
      'executor -> orchestrator',
      ...SERVICES.filter((service) => service !== 'orchestrator').map((service) => `orchestrator -> ${service}`),
    ])
    // Nothing that nobody waits for, and the whole of what somebody waits for.
    expect(spans.filter(({ name }) => /cache\.put|template\.record|agent\.learn|heartbeat/.test(name))).toEqual([])
    const one = (name: string) => spans.find((span) => span.name === name)!
    expect(root.endMs).toBeGreaterThanOrEqual(one('process task.report').startMs)
    expect(one('wait approval').endMs).toBeGreaterThanOrEqual(one('process approval.decide').startMs)
    expect(one('wait approval').attributes).toMatchObject({ 'deed.approval.decision': 'approve' })
    const taken = one('process work.act')
    const sent = spans.find(({ spanId }) => spanId === taken.parentSpanId)!
    expect(sent.name).toBe('send work.act')
    expect(taken).toMatchObject({
      parentSpanId: sent.spanId,
      attributes: { 'deed.delivery.count': 1 },
      links: [{ spanId: sent.spanId, attributes: { 'deed.link': 'creation' } }],
    })
    expect(one('act service.start').events).toMatchObject([{ name: 'claimed' }])
    expect(spans.filter(({ name }) => name === 'observe service.start').at(-1)?.events).toMatchObject([
      { name: 'observed', attributes: { 'deed.observation.outcome': 'verified' } },
    ])
    const statements = spans.filter(({ attributes }) => attributes['db.system.name'] === 'postgresql')
    expect(statements.map(({ attributes }) => attributes['db.query.summary'])).toContain('orchestrator.admit')
    expect(linesOf(statements).every((line) => line.endsWith('(client)'))).toBe(true)

    // Leaves no service behind that runs. What is done after the end is a trace of its own.
    await client.call(rollbackExecution, { execution_id })
    const undone = await statusOf(execution_id, 'rolled_back')
    expect(undone.trace_id).not.toBe(trace_id)
    const later = await receivedTrace(collector, undone.trace_id, ['undo service.start', 'process execution.rollback'])
    expect(expectWhole(later, execution_id)).toMatchObject({
      name: 'continue execution',
      links: [{ traceId: trace_id, spanId: root.spanId, attributes: { 'deed.link': 'earlier trace' } }],
    })
  })

  it('that shows why it failed: in the observation, the attempt, and the root', async () => {
    const { client } = under
    const reply = await client.call(requestExecution, { task: 'read missing.txt' })
    expect(reply.status).toBe('failed')
    const spans = await receivedTrace(collector, reply.trace_id, ['process work.act'])
    const root = expectWhole(spans, reply.execution_id)
    expect(root).toMatchObject({
      status: 2,
      attributes: { 'error.type': reply.error?.code, 'deed.execution.status': 'failed' },
      events: [{ name: 'exception', attributes: { 'exception.message': reply.error?.message } }],
    })
    const failed = spans.filter(({ status }) => status === 2).map(({ name }) => name)
    expect(failed).toEqual(expect.arrayContaining(['process work.act', 'process execution.request']))
  })

  it('without an orphan after its executor was killed in the middle: the next attempt is linked to it', async () => {
    const { client, mesh } = under
    await mesh.service('executor').crashAt('executor.after_effect')
    const reply = await client.call(requestExecution, { task: 'write "hello" to notes.txt' })
    expect(reply.status).toBe('done')
    const spans = await receivedTrace(collector, reply.trace_id, ['process work.act', 'process task.report'])
    expectWhole(spans, reply.execution_id)
    // The killed process took its spans with it. The executor that took the work up was sent it again, or under a new lease.
    const [first, ...others] = spans
      .filter(({ name }) => name === 'send work.act')
      .sort((one, other) => one.startMs - other.startMs)
    expect(first).toMatchObject({ attributes: { 'deed.attempt': 1 }, links: [] })
    expect(others.length).toBeGreaterThan(0)
    for (const { attributes, links } of others) {
      const link =
        attributes['deed.attempt'] === 1 ? 'sent before' : expect.stringMatching(/^(?:earlier attempt|sent before)$/)
      expect(links).toMatchObject([{ traceId: reply.trace_id, attributes: { 'deed.link': link } }])
    }
    const sent = [first, ...others].map((span) => span?.spanId)
    const taken = spans.filter(({ name }) => name === 'process work.act')
    for (const { parentSpanId } of taken) expect(sent).toContain(parentSpanId)
    const lost = spans.filter(({ name }) => name === 'lost attempt')
    expect(lost.length > 0).toBe(others.some(({ attributes }) => attributes['deed.attempt'] === 2))
    for (const { status, links } of lost) {
      expect(status).toBe(2)
      expect(sent).toContain(links[0]?.spanId)
    }
  })

  it('with the call of a model, its tokens and none of its words', async () => {
    const { execution_id } = await under.client.call(requestExecution, {
      task: 'Compose a short poem about roses into poem.txt',
      mode: 'background',
    })
    // Every plan of a model waits for a person.
    const { approval_id } = await askedOf(under, execution_id)
    await under.client.call(decideApproval, { approval_id, decision: 'approve' })
    const { trace_id, status, method } = await endOf(under, execution_id)
    expect([status, method]).toEqual(['done', 'llm_assisted'])
    const spans = await receivedTrace(collector, trace_id, [
      'chat fake:latest',
      'process work.act',
      'process task.report',
    ])
    expectWhole(spans, execution_id)
    const chat = spans.find(({ name }) => name === 'chat fake:latest')!
    expect(chat).toMatchObject({
      ...{ service: 'hybrid-agent', kind: 3, status: 0, events: [] },
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'ollama',
        'gen_ai.request.model': 'fake:latest',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.input_tokens': 11,
        'gen_ai.usage.output_tokens': 7,
      },
    })
    expect(spans.find(({ spanId }) => spanId === chat.parentSpanId)?.name).toBe('process work.solve')
    expect(JSON.stringify(chat)).not.toMatch(/poem|roses/)
  })

  it('that a schedule, a goal or a durable submission has begun', async () => {
    const { client } = under
    await client.call(putSchedule, { name: 'tick', request: { task: 'write "tick" to tick.txt' }, every_ms: 1_000 })
    const scheduled = await until(
      async () => (await client.call(listSchedules, { name: 'tick' })).schedules[0]?.execution_id ?? undefined,
    )
    await client.call(deleteSchedule, { name: 'tick' })
    const goal = await client.call(putGoal, { name: 'kept', task: 'write "kept" to kept.txt', interval_ms: 1_000 })
    const kept = goal.execution_id!
    const { approval_id } = await askedOf(under, kept)
    await client.call(decideApproval, { approval_id, decision: 'approve' })
    const { seq } = await client.nc.jetstream().publish('execution.submit', '{"task":"create folder sent"}')
    const submitted = await until(async () => (await client.call(getExecution, { sequence: seq })).execution_id)
    for (const [execution_id, name, kind] of [
      [scheduled, 'fire schedule', 'internal'],
      [kept, 'restore goal', 'internal'],
      [submitted, 'process execution.submit', 'consumer'],
    ] as const) {
      const { trace_id, status } = await endOf(under, execution_id)
      expect(status, name).toBe('done')
      const spans = await receivedTrace(collector, trace_id, ['process work.act', 'process task.report', 'plan'])
      const root = expectWhole(spans, execution_id)
      expect(root).toMatchObject({ name, service: 'orchestrator', attributes: { 'deed.execution.status': 'done' } })
      expect(KINDS[root.kind]).toBe(kind)
    }
    await client.call(deleteGoal, { name: 'kept' })
  })

  it('and another one, linked to it, for a retry after the orchestrator was killed', async () => {
    const { client, mesh, workspace } = under
    const failed = await client.call(requestExecution, { task: 'read later.txt' })
    expect(failed.status).toBe('failed')
    const earlier = await receivedTrace(collector, failed.trace_id, ['process work.act'])
    const { spanId } = expectWhole(earlier, failed.execution_id)
    await mesh.service('orchestrator').kill()
    writeFileSync(join(workspace, 'later.txt'), 'here')
    // Once it answers again; what was sent to the one that was killed is not answered.
    const { execution_id } = failed
    await until(() => client.call(getExecution, { execution_id }, { timeoutMs: 2_000 }))
    await client.call(retryExecution, { execution_id })
    const { trace_id } = await statusOf(failed.execution_id, 'done')
    expect(trace_id).not.toBe(failed.trace_id)
    const spans = await receivedTrace(collector, trace_id, ['process work.act', 'process task.report'])
    expect(expectWhole(spans, failed.execution_id)).toMatchObject({
      name: 'continue execution',
      links: [{ traceId: failed.trace_id, spanId, attributes: { 'deed.link': 'earlier trace' } }],
    })
    const sent = spans.filter(({ name }) => name === 'send work.act')
    expect(sent.at(-1)?.attributes['deed.attempt']).toBeGreaterThan(1)
  })

  it('and nothing else is traced: no heartbeat, no poll, no list', async () => {
    const roots = collector.spans().filter(({ parentSpanId }) => parentSpanId === '')
    expect([...new Set(roots.map(({ name }) => name))].sort()).toEqual([
      ...['continue execution', 'fire schedule', 'process execution.request', 'process execution.submit'],
      'restore goal',
    ])
  })
})
