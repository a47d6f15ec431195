// A canary goes through the whole mesh as a secret: a program prints it in every spelling, a server sends it back, and
// afterwards it is looked for wherever anything is kept or was said.
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { gatherTrace } from '@deed/mesh/traces'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { exportAudit } from '@deed/proto/audit'
import { getExecution, requestExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { putGoal } from '@deed/proto/goal'
import { listGrants, putGrant } from '@deed/proto/grant'
import type { ApprovalId, ExecutionId } from '@deed/proto/ids'
import {
  cancelExecution,
  pauseExecution,
  resumeExecution,
  retryExecution,
  rollbackExecution,
  steerExecutions,
} from '@deed/proto/steering'
import { startCollector } from '@deed/telemetry/test-collector'
import { expect, it } from 'vitest'
import { plainClient } from './plain-client.ts'

/** Letters and signs that every encoding spells differently. */
const CANARY = 'Canary/8f3a+"quoted"\\and~ümlaut-77c1'
const VARIABLE = 'WITNESS_OF_THE_CANARY'

/** Parts that stay recognizable in other spellings, and the spellings themselves. */
const SPELLINGS = [
  CANARY,
  'Canary/8f3a',
  'mlaut-77c1',
  encodeURIComponent(CANARY),
  JSON.stringify(CANARY).slice(1, -1),
  Buffer.from(CANARY).toString('base64').slice(0, -3),
  Buffer.from(`token: ${CANARY}`).toString('base64').slice(12, 32),
]

const POLICY = `
version: test
approval_ttl_seconds: 3600
self_approval: true
kinds: { command.run: { effect: run }, http.request: { effect: change, reads_with: [GET, HEAD] },
  mcp.call: { effect: change }, human.task: { effect: read } }
levels: [{ kinds: [file.write], level: 3, why: a person says something about it }, { level: 0, why: nobody is asked else }]
raises: []
`

const RULES = `
pack: canary
version: 1
description: What handles a secret
world:
  targets: { echo: { type: http, url: http://127.0.0.1:1 }, teller: { type: mcp, command: [node] } }
rules:
  - name: print
    match: ['print the canary with {script:quoted}']
    actions:
      - title: print it
        kind: command.run
        input: { argv: [node, "{{script}}"], secrets: [canary] }
    tests: [{ say: print the canary with "print.mjs", actions: [{ kind: command.run }] }]
  - name: send
    match: ['send the canary as {header:quoted}']
    actions:
      - title: send it
        kind: http.request
        input: { target: echo, headers: { x-key: "{{header}}" } }
    tests: [{ say: send the canary as "a", actions: [{ kind: http.request }] }]
  - name: tell
    match: ['have the canary told by {tool:quoted}']
    actions:
      - title: have it told
        kind: mcp.call
        input: { target: teller, tool: "{{tool}}" }
    tests: [{ say: have the canary told by "tell", actions: [{ kind: mcp.call }] }]
`

const PRINT = `
const value = process.env.${VARIABLE}
const encode = (text) => Buffer.from(text).toString('base64')
console.log(value, JSON.stringify({ value }), encodeURIComponent(value), encode(value), encode('token: ' + value))
process.stdout.write(value.slice(0, 9)); setTimeout(() => process.stdout.write(value.slice(9) + '\\n'), 50)
console.error('failed with ' + value)
process.exitCode = Number(process.argv[2] ?? 0)
`

/** A server of tools that is given the secret and says it wherever a server says anything. */
const TELL = `
import { createInterface } from 'node:readline'
const value = process.env.${VARIABLE}
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const tool = (name) => ({ name, description: value, inputSchema: { type: 'object' } })
const leak = { content: [{ type: 'text', text: value + Buffer.from(value).toString('base64') }], structuredContent: { [value]: encodeURIComponent(value) } }
console.log('no message: ' + value)
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  if (method === 'initialize') say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: value, version: '1' } } })
  if (method === 'tools/list') say({ id, result: { tools: [tool('tell'), tool('refuse'), tool('fail'), tool('die')] } })
  if (method !== 'tools/call') continue
  if (params.name === 'tell') say({ id, result: leak })
  if (params.name === 'refuse') say({ id, error: { code: -32000, message: 'not with ' + value } })
  if (params.name === 'fail') say({ id, result: { ...leak, isError: true } })
  if (params.name === 'die') { console.error('died of ' + value); process.exit(3) }
}
`

it('a secret is in no log, row, event, answer, span or file of the mesh', async () => {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(temporaryFolder())
  const received: (string | undefined)[] = []
  const echo = createServer((request, response) => {
    received.push(request.headers['x-key'] as string)
    response.end(JSON.stringify(request.headers))
  }).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  opened.defer(() => void echo.close())
  const collector = opened.use(await startCollector())
  const policy = join(folder.path, 'policy.yaml')
  writeFileSync(policy, POLICY)
  const rules = join(folder.path, 'rules')
  mkdirSync(rules)
  writeFileSync(join(rules, 'canary.yaml'), RULES)
  const header = CANARY.replace('ü', 'u')
  const under = opened.use(
    await meshUnderTest({
      config: `
commands: { allow: [node] }
secrets:
  canary: { env: ${VARIABLE}, kinds: [command.run, mcp.call] }
  header: { env: ${VARIABLE}_HEADER, targets: [echo] }
targets:
  echo: { type: http, url: "http://127.0.0.1:${(echo.address() as AddressInfo).port}" }
  other: { type: http, url: "http://127.0.0.1:${(echo.address() as AddressInfo).port}/other" }
  teller:
    type: mcp
    command: [node, tell.mjs]
    cwd: ./workspace
    secrets: [canary]
    tools: { tell: { effect: read }, refuse: { effect: read }, fail: { effect: read }, die: { effect: read } }
`,
      env: { ...collector.env, ...TRACED, DEED_POLICY: policy, RULES_DIR: rules, LOG_LEVEL: 'debug' },
      serviceEnv: {
        executor: { [VARIABLE]: CANARY, [`${VARIABLE}_HEADER`]: header },
        orchestrator: { [VARIABLE]: CANARY },
      },
    }),
  )
  writeFileSync(join(under.workspace, 'print.mjs'), PRINT)
  writeFileSync(join(under.workspace, 'fail.mjs'), PRINT.replace('?? 0', '?? 3'))
  writeFileSync(join(under.workspace, 'tell.mjs'), TELL)
  const { client, database, mesh } = under
  // Who says it in so many words is refused, and nothing of it is stored.
  for (const spelling of [CANARY, encodeURIComponent(CANARY), Buffer.from(CANARY).toString('base64')]) {
    const asked = client.call(requestExecution, { task: `print ${spelling}`, context: { note: spelling } })
    await expect(asked).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('secret') })
  }
  const said: string[] = []
  const listener = opened.use(await plainClient(mesh.connection))
  const everything = listener.nc.subscribe('>')
  void (async () => {
    for await (const message of everything)
      if (!SAID_HERE.test(message.subject))
        said.push(`${message.subject} ${message.headers ?? ''} ${Buffer.from(message.data).toString()}`)
  })()
  await listener.nc.flush()

  const answers: unknown[] = []
  const traces: unknown[] = []
  let lastTrace = ''
  for (const task of [
    'print the canary with "print.mjs"',
    'print the canary with "fail.mjs"',
    'send the canary as "key {{secret.header}}"',
    ...['tell', 'refuse', 'fail'].map((tool) => `have the canary told by "${tool}"`),
  ]) {
    const reply = await client.call(requestExecution, { task })
    const { execution_id } = reply
    answers.push(reply, await client.call(getExecution, { execution_id }))
    lastTrace = reply.trace_id
    traces.push(await gatherTrace(client.nc, lastTrace))
  }
  answers.push(...(await sayItEverywhere(client)))
  // A secret goes elsewhere only with an agreement that names it.
  answers.push(await sendElsewhere(client))
  // A tool that dies is asked again later; its output is in the reasons for that.
  await client.call(requestExecution, { task: 'have the canary told by "die"', mode: 'background' })
  await until(async () => (await everyRow(database)).some((row) => row.includes('died of')))
  // A message that is submitted is on disk before anybody can refuse it. Once it has been, its block of the stream is gone.
  // The submission itself says it, of course: from here on nobody listens.
  everything.unsubscribe()
  const submitted = await client.nc.jetstream().publish(SUBMIT_SUBJECT, JSON.stringify({ task: `print ${CANARY}` }))
  const inStreams = (): boolean =>
    filesBelow(mesh.dataDir).some((path) => path.includes('jetstream') && readFileSync(path).includes('Canary/8f3a'))
  expect(filesBelow(mesh.dataDir).some((path) => path.includes('jetstream'))).toBe(true)
  const submission = await until(() => client.call(getExecution, { sequence: submitted.seq }).catch(() => undefined))
  expect(submission).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('secret') } })
  answers.push(submission)
  await until(() => !inStreams(), { what: 'the end of the message on disk' })
  // It was there, or nothing of this would show anything.
  const [done, refused] = [{ status: 'done' }, { error: { message: expect.stringContaining('[redacted]') } }]
  expect(answers.slice(0, 12)).toMatchObject([done, {}, {}, {}, done, {}, done, {}, refused, {}, refused, {}])
  expect(received).toContain(`key ${header}`)
  expect(JSON.stringify(answers)).toContain('[redacted]')
  expect(said.some((line) => line.includes('[redacted]'))).toBe(true)

  const rows = await everyRow(database)
  expect(rows.some((row) => row.includes('[redacted]'))).toBe(true)
  // Of the execution that was traced last, the root has come.
  await until(() => collector.spans().some(({ name, traceId }) => name === ROOT && traceId === lastTrace))
  expect(collector.received()).toContain('[redacted]')
  expect(JSON.stringify(traces)).toContain('[redacted]')
  const places = {
    spans: [collector.received(), JSON.stringify(traces)],
    answers: answers.map((answer) => JSON.stringify(answer)),
    messages: said,
    rows,
    // Logs, the streams of NATS, the data of PostgreSQL with its log of writes, and what is kept for an undo.
    files: filesBelow(mesh.dataDir).map((path) => `${path}\n${readFileSync(path, 'latin1')}`),
  }
  for (const [place, texts] of Object.entries(places)) {
    expect({ place, count: texts.length > 0 }).toEqual({ place, count: true })
    for (const spelling of SPELLINGS.flatMap((text) => [text, Buffer.from(text).toString('latin1')])) {
      const found = texts.filter((text) => text.includes(spelling)).map((text) => text.slice(0, 200))
      expect({ place, spelling, found }).toEqual({ place, spelling, found: [] })
    }
  }
})

const ROOT = 'process execution.request'
const TRACED = { OTEL_TRACES_SAMPLER: 'parentbased_always_on', OTEL_BSP_SCHEDULE_DELAY: '100' }

/** What this test says itself, with the secret in it. */
const SAID_HERE = /^(execution\.(rollback|retry|pause|resume|steer|cancel)|approval\.decide|grant\.put|goal\.put)$/

/** Whatever a person may say about work is said with the secret in it. */
async function sayItEverywhere(client: MeshUnderTest['client']): Promise<unknown[]> {
  const said: unknown[] = []
  const reason = `because of ${CANARY}`
  const asked = async (id: ExecutionId, kind?: 'provide' | 'review'): Promise<ApprovalId> => {
    const of = { execution_id: id, ...(kind ? { kind } : { status: 'pending' as const }) }
    return until(async () => {
      const { approvals, tasks } = await client.call(listApprovals, of)
      said.push(approvals, tasks)
      return (kind ? tasks : approvals)[0]?.approval_id
    })
  }
  const begin = async (name: string, tasks: object[]): Promise<ExecutionId> =>
    (await client.call(requestExecution, { manifest: { name, tasks } as never, mode: 'background' })).execution_id
  const note = (id: string, path: string) => ({ id, action: { kind: 'file.write', input: { path, content: id } } })
  const decide = async (approval_id: ApprovalId, decision: 'approve' | 'deny' | 'provide', more: object = {}) =>
    said.push(await client.call(decideApproval, { approval_id, decision, reason, ...more }))

  const written = await begin('written', [note('write', 'said.txt')])
  await decide(await asked(written), 'approve')
  await until(async () => (await client.call(getExecution, { execution_id: written })).status === 'done')
  const undone = await client.call(rollbackExecution, { execution_id: written, reason })
  if (undone.approval_id !== null) await decide(undone.approval_id, 'approve')
  await until(async () => (await client.call(getExecution, { execution_id: written })).status === 'rolled_back')
  await client.call(retryExecution, { execution_id: written, reason })
  await decide(await asked(written), 'deny')

  const person = { id: 'ask', action: { kind: 'human.task', input: { ask: 'say something' } } }
  const provided = await begin('provided', [person])
  const result = { text: `it is ${CANARY}`, data: { answer: CANARY, password: 'anything' } }
  await decide(await asked(provided, 'provide'), 'provide', { result })

  const held = await begin('held', [note('hold', 'held.txt')])
  await asked(held)
  await client.call(pauseExecution, { execution_id: held, reason })
  await client.call(resumeExecution, { execution_id: held, reason })
  await client.call(steerExecutions, { verb: 'pause', execution_ids: [held], reason })
  await client.call(cancelExecution, { execution_id: held, reason })
  const grant = {
    kind: 'file.write',
    path: '.',
    level: 1,
    expires_at: new Date(Date.now() + 60_000).toISOString(),
    reason,
  }
  said.push(await client.call(putGrant, grant), await client.call(listGrants, {}))
  for (const id of [written, provided, held]) {
    said.push(await client.call(getExecution, { execution_id: id }))
    said.push(await client.call(exportAudit, { execution_id: id }))
  }
  const refused = await client.call(putGoal, { name: 'canary', task: `keep ${CANARY}` }).catch((error: Error) => error)
  expect(refused).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('secret') })
  return said
}

/** @returns what is asked before */
async function sendElsewhere(client: MeshUnderTest['client']): Promise<unknown> {
  const action = { kind: 'http.request', input: { target: 'other', headers: { 'x-key': '{{secret.header}}' } } }
  const tasks = [{ id: 'send', action }]
  const manifest = { name: 'elsewhere', tasks } as never
  const { execution_id } = await client.call(requestExecution, { manifest, mode: 'background' })
  const [approval] = await until(async () => {
    const { approvals } = await client.call(listApprovals, { execution_id, status: 'pending' })
    return approvals.length > 0 && approvals
  })
  const why = expect.stringContaining('the secret header, not permitted for this')
  expect(approval).toMatchObject({ level: 2, actions: [{ level: 2, why }] })
  await client.call(cancelExecution, { execution_id })
  return approval
}

async function everyRow(database: { query(text: string): Promise<{ rows: { row?: string; name?: string }[] }> }) {
  const { rows: tables } = await database.query(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  const all: string[] = []
  for (const { name } of tables) {
    const { rows } = await database.query(`select t::text as row from ${name} t`)
    all.push(...rows.map(({ row }) => `${name} ${row}`))
  }
  return all
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFile())
}
