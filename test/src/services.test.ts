// What the services promise together, asked through their subjects, with real processes, files, models and databases.

import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { writePolicyOfAnyHost } from '@deed/drill/harness/policy-of-any-host'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { linkConsole } from '@deed/proto/console'
import { SERVICES } from '@deed/proto/contract'
import { examineOrchestrator } from '@deed/proto/doctor'
import type { ExecutionReply } from '@deed/proto/execution'
import { listRoles } from '@deed/proto/organization'
import { recordTemplate, selectTemplate } from '@deed/proto/template'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { headers as newHeaders, RequestStrategy } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeAnswer, type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts'

import { approved, ask, decide } from './ask.ts'
import { askedOf, endOf } from './follow.ts'

/** Answers nobody before two have asked, each for a path of its own: alone none of them would ever have an answer. */
async function meetingPlace(): Promise<AsyncDisposable & { url: string }> {
  const waiting: ServerResponse[] = []
  const paths = new Set<string>()
  const server = createServer(({ url = '/' }, response) => {
    paths.add(url)
    waiting.push(response)
    if (paths.size > 1) for (const one of waiting.splice(0)) one.end('here')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await promisify(server.close.bind(server))()
    },
  }
}

/** Of the same kind as one that is shipped, so that there is a choice. */
const TEMPLATE = `---
id: small_endpoint.typescript
version: 1
language: typescript
task_type: api_endpoint
description: An endpoint that says what it is called
keywords: [api, endpoint, rest]
variables:
  name: orders
---
export const name = '{{name}}'
`

const RULES = `pack: meeting
version: 1
description: A server of this test
rules:
  - name: ping
    match: ping the meeting in {place:word}
    actions: [{ title: "ping {{place}}", kind: http.request, input: { target: meeting, path: "/{{place}}" } }]
    tests: [{ say: ping the meeting in east }]
`

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let shelf: TestDatabase<object>
let model: FakeOllama
let meeting: Awaited<ReturnType<typeof meetingPlace>>
let answer: (description: string) => FakeAnswer | Promise<FakeAnswer> = () => ({ fault: 'error' })

beforeAll(async () => {
  shelf = opened.use(await testDatabase('shelf', {}))
  await shelf.pool.query('create table shelf.books as select n as id from generate_series(1, 7) as n')
  model = opened.use(
    await startFakeOllama({ answer: ({ messages }) => answer(messages.map(({ content }) => content).join('\n')) }),
  )
  meeting = opened.use(await meetingPlace())
  const templates = opened.use(temporaryFolder()).path
  writeFileSync(join(templates, 'small_endpoint.typescript.template'), TEMPLATE)
  const folder = opened.use(temporaryFolder()).path
  const rules = join(folder, 'rules')
  mkdirSync(rules)
  writeFileSync(join(rules, 'meeting.yaml'), RULES)
  under = opened.use(
    await meshUnderTest({
      thinkers: 'apart',
      config: `
targets:
  shelf: { type: sql, url_env: SHELF_URL }
  meeting: { type: http, url: "${meeting.url}" }
commands: { allow: [sh, cp, printf, 'true'] }
`,
      env: {
        METRICS_PORT: '0',
        SHELF_URL: shelf.url,
        OLLAMA_HOST: model.url,
        TEMPLATES_DIR: templates,
        RULES_DIR: rules,
        DEED_POLICY: writePolicyOfAnyHost(join(folder, 'policy.yaml')),
      },
    }),
  )
})

afterAll(() => opened.disposeAsync())

const file = (name: string): string => readFileSync(join(under.workspace, name), 'utf8')

describe('tasks in one sentence', () => {
  it('run in order where one comes after the other', async () => {
    const detail = await approved(under, 'write "first" to in/order.txt, then run `cp in/order.txt in/copy.txt`')
    expect(detail).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(file('in/copy.txt')).toBe('first')
    const [write, copy] = ['file.write', 'command.run'].map((kind) =>
      detail.tasks.find(({ action }) => action?.kind === kind),
    )
    expect(copy?.dependencies).toContain(write?.task_id)
    expect(Date.parse(copy?.started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(write?.finished_at ?? ''))
  })

  it('run at the same time where they do not', async () => {
    const reply = await ask(under, {
      task: 'ping the meeting in east and ping the meeting in west',
      mode: 'immediate',
    })
    // Each has an answer because the other had asked, too, before either had one.
    expect(reply).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(reply.verification).toHaveLength(2)
  })
})

describe('templates', () => {
  it('are chosen by what came of them', async () => {
    const { client } = under
    const task = 'Create a REST endpoint for orders'
    const picks = async (): Promise<Map<string, number>> => {
      const chosen = await Promise.all(
        Array.from({ length: 60 }, (_, seed) =>
          client.call(selectTemplate, { task, language: 'typescript', seed: String(seed) }),
        ),
      )
      return new Map(
        [...new Set(chosen.map(({ id }) => id))].map((id) => [id, chosen.filter((one) => one.id === id).length]),
      )
    }
    const before = await picks()
    const [favourite, other] = [...before].sort((one, another) => another[1] - one[1]).map(([id]) => id)
    if (favourite === undefined || other === undefined) throw new Error(`nothing to choose from: ${[...before.keys()]}`)
    const record = (template_id: string, success: boolean) =>
      client.call(recordTemplate, { template_id, task, metrics: { success, time_ms: 100 } })
    await Promise.all(Array.from({ length: 40 }, () => [record(favourite, false), record(other, true)]).flat())
    const after = await picks()
    expect(before.get(favourite)).toBeGreaterThan(before.get(other) ?? 0)
    expect(after.get(other) ?? 0).toBeGreaterThan(55)
  })
})

describe('a task that no rule knows', () => {
  it('is solved by a model, and done once its reading is approved', async () => {
    answer = () => ({
      json: {
        actions: [
          { kind: 'file.write', name: 'write', title: 'write it', input: { path: 'poem.txt', content: 'roses\n' } },
        ],
      },
    })
    const reply = await approved(under, 'Please compose some lines about gardens for me')
    expect(reply).toMatchObject({
      status: 'done',
      method: 'llm_assisted',
      model_used: 'fake:latest',
      metrics: { success: true, tokens_used: 18 },
    })
    expect(file('poem.txt')).toBe('roses\n')
    expect(reply.verification).toContainEqual(expect.objectContaining({ kind: 'observed', outcome: 'verified' }))
  })

  it('is answered at the deadline with its status, and continues', async () => {
    const held = Promise.withResolvers<FakeAnswer>()
    opened.defer(() => held.resolve({ fault: 'error' }))
    answer = () => held.promise
    // Says how long it would wait, and waits for longer: a machine under load answers late.
    const { nc } = under.client
    const request = JSON.stringify({ task: 'Please compose some lines about rivers for me' })
    const headers = newHeaders()
    headers.set('Deed-Timeout-Ms', '1000')
    const message = await nc.request('execution.request', request, { timeout: 60_000, headers })
    const reply = message.json<ExecutionReply>()
    expect(reply).toMatchObject({
      status: expect.stringMatching(/^(planning|running)$/),
      result: null,
      metrics: { success: false },
    })
    held.resolve({
      json: {
        actions: [
          { kind: 'file.write', name: 'write', title: 'write it', input: { path: 'river.txt', content: 'Spree\n' } },
        ],
      },
    })
    await decide(under, await askedOf(under, reply.execution_id), 'approve')
    expect(await endOf(under, reply.execution_id)).toMatchObject({
      status: 'done',
      method: 'llm_assisted',
      metrics: { success: true },
    })
    expect(file('river.txt')).toBe('Spree\n')
  })
})

describe('the services', () => {
  it('answer PING, INFO and STATS', async () => {
    const monitor = under.client.nc.services.client({
      strategy: RequestStrategy.Count,
      maxMessages: SERVICES.length,
      maxWait: 10_000,
    })
    const names = async (answers: AsyncIterable<{ name: string }>): Promise<string[]> => {
      const found = new Set<string>()
      for await (const { name } of answers) found.add(name)
      return [...found].sort()
    }
    const all = under.mesh.services.map(({ service }) => service).sort()
    expect(all).toEqual([...SERVICES].sort())
    expect(await names(await monitor.ping())).toEqual(all)
    expect(await names(await monitor.info())).toEqual(all)
    // Nobody else asks these two over NATS.
    await under.client.call(linkConsole, { user: 'user', role: 'viewer' })
    await under.client.call(listRoles, {})
    const requests = new Map<string, number>()
    for await (const { name, endpoints = [] } of await monitor.stats()) {
      requests.set(
        name,
        endpoints.reduce((sum, { num_requests }) => sum + num_requests, 0),
      )
    }
    expect([...requests.keys()].sort()).toEqual(all)
    for (const count of requests.values()) expect(count).toBeGreaterThan(0)
  })

  it('that are away are done without, and are named', async () => {
    const away = ['semantic-cache', 'template-optimizer'] as const
    await Promise.all(away.map((name) => under.mesh.service(name).stop()))
    const reply = await ask(under, {
      task: 'create the folder without/cache, then create the folder without/templates',
    })
    expect(reply).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(reply.metrics.degraded?.toSorted()).toEqual([...away])
    // Well before the cache would have been waited for.
    const read = await ask(under, { task: 'query shelf: select min(id) as lowest from shelf.books' }, 10_000)
    expect(read).toMatchObject({ status: 'done', method: 'autonomous', result: { data: { rows: [{ lowest: 1 }] } } })
    expect(read.metrics.degraded).toContain('semantic-cache')
    const metrics = await (await fetch(under.mesh.service('orchestrator').metricsUrl ?? '')).text()
    expect(metrics).toContain('deed_degraded_total{service="semantic-cache"} 2')
    expect(metrics).toContain('deed_degraded_total{service="template-optimizer"} 1')
    const { checks } = await under.client.call(examineOrchestrator, {})
    const found = checks.filter(({ name }) => name.startsWith('degraded.')).map(({ name, message }) => [name, message])
    expect(found).toEqual([
      ['degraded.semantic-cache', '2 executions of the last 10 minutes had to do without it'],
      ['degraded.template-optimizer', '1 execution of the last 10 minutes had to do without it'],
    ])
    // Lines are written a moment later.
    await until(() => {
      const lines = under.log('orchestrator').split('\n')
      return lines.some((line) => line.includes('"without":"semantic-cache"') && line.includes(read.execution_id))
    })
    await Promise.all(away.map((name) => under.mesh.service(name).start()))
    const whole = await ask(under, { task: 'create the folder with/them' })
    expect(whole.metrics.degraded).toBeUndefined()
  })

  it('come to an end without a model, too', async () => {
    await model[Symbol.asyncDispose]()
    const reply = await ask(under, { task: 'Please compose some lines about mountains for me' })
    expect(reply).toMatchObject({
      status: 'failed',
      method: 'fallback',
      error: { code: 'not_understood', details: { suggestions: expect.arrayContaining([expect.any(String)]) } },
      metrics: { success: false, cost_usd: 0 },
    })
  })
})
