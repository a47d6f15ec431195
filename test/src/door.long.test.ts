// What must not come in: sent by a client that has nothing of Deed's, to a mesh of real processes. What is refused
// leaves no row anywhere, and the next good request is answered. The numbers are the rows of the list of bad input.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { countRowsAtRest } from '@deed/drill/harness/count-rows'
import type { MeshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import type { ErrorBody } from '@deed/proto/errors'
import { createInbox } from 'nats'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { doorWorld } from './door-world.ts'
import type { Answer, PlainClient } from './plain-client.ts'
import { publishRaw } from './raw-nats.ts'
import { type ExpectedRefusal, refusal } from './refusal.ts'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let client: PlainClient
let operator: PlainClient

beforeAll(async () => {
  ;({ under, client, operator } = await doorWorld(opened))
})

afterAll(() => opened.disposeAsync())

describe('at the door', () => {
  // The service continues, whatever came before.
  afterEach(async () => {
    expect(await client.ask('execution.request', { task: 'create the folder here' })).toMatchObject({
      errorCode: undefined,
      body: { status: 'done', metrics: { success: true } },
    })
  })

  describe('B01: what is no request in JSON', () => {
    it.each([
      ['cut', '{"task":', 'invalid_json'],
      ['empty', '', 'invalid_json'],
      ['null', 'null', 'invalid_request'],
      ['a list', '[]', 'invalid_request'],
      ['a text', '"x"', 'invalid_request'],
    ])('%s is refused', async (_, payload, code) => {
      await refused(payload, { code, path: '$' })
    })
  })

  it('B01, B02: bytes that are not UTF-8 are refused', async () => {
    await refused(Uint8Array.from([0xff, 0xfe]), { code: 'invalid_encoding', path: '$' })
    await refused('\ufeff{"task":"x"}', { code: 'invalid_encoding', path: '$' })
    await refused('{"task":"\\ud800"}', { code: 'invalid_encoding', path: '$.task' })
    await refused('{"task":"a\\u0000b"}', { code: 'invalid_encoding', path: '$.task' })
    await refused(Buffer.from([...Buffer.from('{"task":"'), 0xc0, 0xaf, ...Buffer.from('"}')]), {
      code: 'invalid_encoding',
      path: '$',
    })
  })

  it('B03: what is larger than a message may be is refused before it is sent', async () => {
    const before = await countRowsAtRest(under.database)
    await expect(client.ask('execution.request', { task: 'x'.repeat(10 * 1024 * 1024) })).rejects.toMatchObject({
      code: 'MAX_PAYLOAD_EXCEEDED',
    })
    expect(await countRowsAtRest(under.database)).toEqual(before)
  })

  it('B04: nesting without end is refused', async () => {
    await refused('['.repeat(900_000), { code: 'too_deep', path: '$' })
    await refused(`{"task":"x","context":${'{"a":'.repeat(40)}1${'}'.repeat(40)}}`, { code: 'too_deep', path: '$' })
  })

  it('B05: keys without end are refused', async () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `"${index.toString(36)}":0`)
    await refused(`{${keys.join()}}`, { code: 'too_many_keys', path: '$' })
    await refused(`{"task":"x","context":{${keys.join()}}}`, { code: 'too_many_keys', path: '$.context' })
    const { message } = await refused(`{"task":"x","${'k'.repeat(900_000)}":1}`, { code: 'unknown_field' })
    expect(message.length).toBeLessThan(1_000)
  })

  it.each([
    ['{"__proto__":{"polluted":1},"task":"x"}', '$.__proto__'],
    ['{"task":"x","context":{"a":[{"constructor":{"prototype":{"polluted":1}}}]}}', '$.context.a[0].constructor'],
    ['{"task":"x","context":{"variables":{"prototype":1}}}', '$.context.variables.prototype'],
  ])('B07: keys that reach prototypes are refused: %s', async (payload, path) => {
    await refused(payload, { code: 'forbidden_key', path })
  })

  it('B08: a request without words is refused', async () => {
    await refused({}, { code: 'missing_field', path: '$.task' })
    for (const task of ['', '  \t\n', '\u200b\u200d\ufeff'])
      await refused({ task }, { code: 'empty_task', path: '$.task' })
  })

  it('B09: an unknown field is refused, with the one that was meant', async () => {
    const { message } = await refused({ tsak: 'x', task: 'x' }, { code: 'unknown_field', path: '$.tsak' })
    expect(message).toContain('did you mean "task"?')
    await refused({ tsak: 'x' }, { code: /^(unknown|missing)_field$/ })
  })

  it('B10: a budget that is no amount is refused', async () => {
    await refused('{"task":"x","budget_usd":1e999}', { code: 'invalid_number', path: '$.budget_usd' })
    await refused({ task: 'x', budget_usd: '5' }, { code: 'invalid_number', path: '$.budget_usd' })
    await refused({ task: 'x', budget_usd: 'NaN' }, { code: 'invalid_number', path: '$.budget_usd' })
    await refused({ task: 'x', budget_usd: -1 }, { code: 'out_of_range', path: '$.budget_usd' })
  })

  it.each(['-0', '1e-320', '0.0000001'])(
    'B10: a budget of %s is one of nothing, and rules cost nothing',
    async (usd) => {
      const { body } = await client.ask('execution.request', `{"task":"create the folder here","budget_usd":${usd}}`)
      expect(body).toMatchObject({ status: 'done', metrics: { success: true, cost_usd: 0 } })
    },
  )

  it('B12: what is out of range is refused with the bounds', async () => {
    const { message } = await refused({ task: 'x', priority: 1e9 }, { code: 'out_of_range', path: '$.priority' })
    expect(message).toContain('low, normal, high')
    for (const timeout of ['0', '-1', String(2 ** 31), '1e400']) {
      const late = await refused(
        { task: 'x' },
        { code: 'out_of_range', path: 'headers.Deed-Timeout-Ms' },
        { headers: { 'Deed-Timeout-Ms': timeout } },
      )
      expect(late.message).toContain('2147483647')
    }
  })

  it('B14: headers that are none are refused, and a bad traceparent begins a new trace', async () => {
    await refused(
      { task: 'x' },
      { code: 'invalid_header', path: 'headers.Deed-Timeout-Ms' },
      { headers: { 'Deed-Timeout-Ms': 'soon' } },
    )
    const before = await countRowsAtRest(under.database)
    const inbox = createInbox()
    const replies = client.nc.subscribe(inbox)
    await client.nc.flush()
    // A line feed alone, which is no end of a header, in the value of one.
    await publishRaw(under.mesh.connectionAs('client'), {
      subject: 'execution.request',
      reply: inbox,
      headers: 'traceparent: 00-aa\nX-Role: admin',
      body: '{"task":"create the folder forged"}',
    })
    for await (const reply of replies) {
      refusalHere(
        { errorCode: reply.headers?.get('Nats-Service-Error-Code'), body: reply.json() },
        { code: 'invalid_header' },
      )
      break
    }
    expect(await countRowsAtRest(under.database)).toEqual(before)
    expect(existsSync(join(under.workspace, 'forged'))).toBe(false)

    for (const traceparent of ['nonsense', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, '00-xyz-1-01']) {
      const { errorCode, body } = await client.ask(
        'execution.request',
        { task: 'create the folder here' },
        { traceparent },
      )
      expect(errorCode).toBeUndefined()
      expect(body.trace_id).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
      expect(traceparent).not.toContain(body.trace_id)
    }
  })

  it('B14: an injected message id is stored as a failure, and what follows it is taken', async () => {
    const inject = (headers: string, body: string) =>
      publishRaw(under.mesh.connectionAs('client'), { subject: 'execution.submit', headers, body })
    await inject('Nats-Msg-Id: a\nb', '{"task":"create the folder injected"}')
    await inject('Nats-Msg-Id: two words', '{"task":"create the folder injected"}')
    const after = await client.nc.jetstream().publish('execution.submit', '{"task":"create the folder after"}')
    for (const sequence of [after.seq - 2, after.seq - 1]) {
      const { body } = await eventually('execution.get', { sequence })
      expect(body).toMatchObject({ status: 'failed', error: { code: 'invalid_header' }, tasks: [] })
    }
    expect((await eventually('execution.get', { sequence: after.seq })).body).toMatchObject({ status: 'done' })
    expect(existsSync(join(under.workspace, 'injected'))).toBe(false)
  })

  it('B15, B16: a key is one request, and says where another one differs', async () => {
    const request = {
      task: 'create the folder keyed',
      context: { note: { deep: 'secret-one' } },
      idempotency_key: 'b15',
    }
    const first = await client.ask('execution.request', request)
    expect(first.body).toMatchObject({ status: 'done', metrics: { success: true } })
    const before = await countRowsAtRest(under.database)
    const { context, ...rest } = request
    const again = await client.ask('execution.request', { context, ...rest })
    // The same answer, and how long ago it was seen to be so.
    expect(again).toEqual({ ...first, body: { ...first.body, age_ms: expect.any(Number) } })
    expect(again.body.seen_at).toBe(first.body.verification[0].observed_at)

    const conflicts: [object, string[]][] = [
      [{ ...request, task: 'create the folder other' }, ['$.task']],
      [{ ...request, context: { note: { deep: 'secret-two' } } }, ['$.context.note.deep']],
      [{ ...rest, priority: 'high' }, ['$.context', '$.priority']],
    ]
    for (const [other, paths] of conflicts) {
      const error = await refused(other, { code: 'idempotency_conflict', path: paths[0] })
      expect(error.execution_id).toBe(first.body.execution_id)
      expect(error.details).toEqual({ differs: paths })
      for (const value of ['secret', 'keyed', 'folder']) expect(JSON.stringify(error)).not.toContain(value)
    }
    expect(await countRowsAtRest(under.database)).toEqual(before)
  })

  it('B17, B18, B19: a graph that is none is refused with the places', async () => {
    const task = (id: string, ...depends_on: string[]) => ({ id, description: id, depends_on })
    const graph = (...tasks: object[]) => ({ goal: 'x', tasks })
    const options = { subject: 'task.decompose', by: operator }
    const twice = await refused(graph(task('a'), task('b'), task('a')), { code: 'duplicate_id' }, options)
    expect(twice.details).toMatchObject({ places: ['$.tasks[0].id', '$.tasks[2].id'] })
    const cycle = await refused(
      graph(task('a', 'c'), task('b', 'a'), task('c', 'b')),
      { code: 'cyclic_dependency' },
      options,
    )
    expect(new Set(cycle.details?.cycle as string[])).toEqual(new Set(['a', 'b', 'c']))
    await refused(graph(task('a', 'a')), { code: 'cyclic_dependency' }, options)
    await refused(graph(task('a', 'zz')), { code: 'unknown_dependency', path: '$.tasks[0].depends_on[0]' }, options)
    await refused(
      graph(...Array.from({ length: 10_001 }, (_, index) => task(`t${index}`))),
      { code: 'too_many_nodes', path: '$.tasks' },
      options,
    )
    const many = Array.from({ length: 320 }, (_, index) => `t${index}`)
    const later = Array.from({ length: 320 }, (_, index) => task(`u${index}`, ...many))
    await refused(graph(...many.map((id) => task(id)), ...later), { code: 'too_many_edges' }, options)
    const chain = (length: number) =>
      graph(...Array.from({ length }, (_, index) => task(`t${index}`, ...(index > 0 ? [`t${index - 1}`] : []))))
    const { body } = await operator.ask('task.decompose', chain(3_000))
    expect(body.nodes.filter(({ kind }: { kind: string }) => kind === 'task')).toHaveLength(3_000)
    // A good graph, whose reply is larger than what fits into a message.
    await refused(chain(10_000), { code: 'payload_too_large' }, options)
  })

  it.each([
    '../../etc/passwd',
    '/etc/passwd',
    'a/../../b',
    '..%2f..%2fetc%2fpasswd',
    '..\\windows',
    'C:\\windows\\system.ini',
    'file:///etc/passwd',
    '%2e%2e/x',
  ])('B21: the file %s is refused', async (target_file) => {
    await refused(
      { task: 'write "x" to it', context: { target_file } },
      { code: 'path_outside_workspace', path: '$.context.target_file' },
      { mayEcho: target_file },
    )
  })

  it('B21, B22: a workspace that is none is refused, by segments', async () => {
    const evil = `${under.workspace}-evil`
    mkdirSync(evil)
    for (const workspace of [evil, '/etc', `${under.workspace}/../..`, '../..', './x']) {
      await refused(
        { task: 'create the folder x', context: { workspace } },
        { code: 'path_outside_workspace', path: '$.context.workspace' },
        { mayEcho: workspace },
      )
    }
    const { message } = await refused(
      { task: 'create the folder x', context: { workspace: 'mian' } },
      { code: 'unknown_workspace', path: '$.context.workspace' },
    )
    expect(message).toContain('did you mean "main"?')
  })

  describe.each<[string, string, (words: object) => object]>([
    ['goal.put', '$', (words) => ({ name: 'refused', ...words })],
    ['schedule.put', '$.request', (words) => ({ name: 'refused', every_ms: 3_600_000, request: words })],
  ])('B07, B08, B21, B22, B27: what %s is to do is refused as it is at once', (subject, at, asking) => {
    it.each<[object, string, string]>([
      [{ task: ' \u200b' }, 'empty_task', '.task'],
      [{ task: 'x', context: { target_file: '../../etc/passwd' } }, 'path_outside_workspace', '.context.target_file'],
      [{ task: 'x', context: { target_file: '.git/hooks/x' } }, 'protected_path', '.context.target_file'],
      [{ task: 'x', context: { workspace: '/etc' } }, 'path_outside_workspace', '.context.workspace'],
      [{ task: 'x', context: { workspace: 'mian' } }, 'unknown_workspace', '.context.workspace'],
      [{ task: 'x', context: { variables: { constructor: 1 } } }, 'forbidden_key', '.context.variables.constructor'],
    ])('%j', async (words, code, path) => {
      const { workspace = '', target_file = '' } = 'context' in words ? (words.context as Record<string, string>) : {}
      await refused(asking(words), { code, path: at + path }, { subject, mayEcho: workspace || target_file })
    })
  })

  it('B48: a report of no task, under another token, or without evidence changes nothing', async () => {
    const { body: asked } = await client.ask('execution.request', { task: 'run `sleep 2`', mode: 'background' })
    const { execution_id } = asked
    const { approval_id } = await until(async () => {
      const { body } = await client.ask('execution.get', { execution_id })
      return body.approval_id !== undefined && body
    })
    await operator.ask('approval.decide.local.approver', { approval_id, decision: 'approve' })
    const { task_id, token } = await until(async () => {
      const { rows } = await under.database.query<{ task_id: string; token: number }>(
        `select task_id, token::int from orchestrator.actual_state
          where execution_id = $1 and actual_status = 'in_progress'`,
        [execution_id],
      )
      return rows[0]
    })
    const report = {
      ...{ task_id, execution_id, token, worker_id: 'forger', intent: 'do', outcome: 'done', effect: 'made' },
      duration_ms: 1,
    }
    const forged: [object, string][] = [
      [{ ...report, task_id: execution_id }, 'unknown_task'],
      [{ ...report, execution_id: task_id }, 'not_found'],
      [{ ...report, token: token + 1 }, 'stale_token'],
      [{ ...report, token: 0 }, 'out_of_range'],
      [report, 'evidence_missing'],
    ]
    for (const [one, code] of forged) refusalHere(await operator.ask('task.report.mesh.executor', one), { code })
    expect((await eventually('execution.get', { execution_id })).body).toMatchObject({
      ...{ status: 'done', metrics: { success: true } },
      verification: expect.arrayContaining([expect.objectContaining({ kind: 'observed', outcome: 'verified' })]),
    })
  })

  it.each(['.git/hooks/pre-commit', '.deed/state', 'sub/.npmrc', 'execution.yaml', '.GIT/config'])(
    'B27: the protected file %s is refused, also where it is not there yet',
    async (target_file) => {
      await refused(
        { task: 'write "x" to it', context: { target_file } },
        { code: 'protected_path', path: '$.context.target_file' },
      )
    },
  )
})

/** Refused in every respect: the error, and nothing else anywhere. */
async function refused(
  payload: unknown,
  expected: ExpectedRefusal,
  {
    subject = 'execution.request',
    by = client,
    headers,
    mayEcho,
  }: { subject?: string; by?: PlainClient; headers?: Record<string, string>; mayEcho?: string } = {},
): Promise<ErrorBody> {
  const before = await countRowsAtRest(under.database)
  const error = refusalHere(await by.ask(subject, payload, headers), expected, mayEcho)
  expect(await countRowsAtRest(under.database)).toEqual(before)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  return error
}

/** Of an answer of this mesh. */
const refusalHere = (answer: Answer, expected: ExpectedRefusal, mayEcho?: string): ErrorBody =>
  refusal(answer, expected, [under.mesh.dataDir, under.workspace], mayEcho)

/** Waits until the intake has made an execution of what it was sent, and it has ended. */
async function eventually(subject: string, input: object): Promise<Answer> {
  for (;;) {
    const answer = await client.ask(subject, input)
    if (['done', 'failed'].includes(answer.body.status)) return answer
    if (answer.errorCode !== undefined && answer.body.code !== 'not_found') throw new Error(JSON.stringify(answer))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
