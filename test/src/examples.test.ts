// Every example works: the kind of action, the tools of the MCP server, the rules, the runbook and the manifests.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { rollBack } from '@deed/drill/harness/roll-back'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { listKinds } from '@deed/proto/action'
import { type ApprovalView, decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import { ActionId } from '@deed/proto/ids'
import { observeProvided, provided } from '@deed/proto/provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))

/** The configuration of the examples, with the folders of this checkout, for the workspace of the mesh under test. */
function exampleConfig(): string {
  const { workspaces: _, targets, ...others } = parse(readFileSync(join(EXAMPLES, 'execution.yaml'), 'utf8'))
  const { command, reads, ...tickets } = targets.tickets
  const [program, script] = command
  return stringify({
    ...others,
    targets: {
      tickets: {
        ...tickets,
        command: [program, resolve(EXAMPLES, 'workspace', script)],
        reads: reads.map((path: string) => resolve(EXAMPLES, path)),
      },
    },
  })
}

/** No action: only a read. */
const NOBODY = ActionId.parse('00000000-0000-0000-0000-000000000000')

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let lampsFile: string

beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  lampsFile = join(folder.path, 'lamps.json')
  under = opened.use(await meshUnderTest({ env: { RULES_DIR: join(EXAMPLES, 'rules') }, config: exampleConfig() }))
})
afterAll(() => opened.disposeAsync())

const lamps = (): unknown => JSON.parse(readFileSync(lampsFile, 'utf8'))
const setLamps = (state: object) => writeFileSync(lampsFile, JSON.stringify(state))
const detailOf = (execution_id: ExecutionDetail['execution_id']) => under.client.call(getExecution, { execution_id })

/** The program, until it is disposed of; then nobody provides the kind. */
async function startProvider(): Promise<AsyncDisposable> {
  const { nats_url, nats_user = '', nats_password = '' } = under.mesh.connectionAs('provider')
  const child: ChildProcess = spawn(process.execPath, [join(EXAMPLES, 'kind/main.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      LAMPS_FILE: lampsFile,
      NATS_URL: nats_url,
      NATS_USER: nats_user,
      NATS_PASSWORD: nats_password,
    },
  })
  const input = { kind: 'lamp.switch', kind_version: 1, action_id: NOBODY, input: { lamp: 'desk', on: true } } as const
  await until(() =>
    under.client.call(provided(observeProvided, 'lamp.switch'), input, { patient: false }).catch(() => false),
  )
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** Has it done, with the agreement of a person to each step. */
async function done(task: string): Promise<ExecutionDetail> {
  const { execution_id } = await under.client.call(requestExecution, { task, mode: 'background' })
  if (execution_id === undefined) throw new Error('it was not accepted')
  return until(async () => {
    const detail = await detailOf(execution_id)
    const { approval_id } = detail
    if (approval_id !== undefined && detail.status === 'waiting') {
      const approver = { principal: { tenant: 'local', user: 'approver' } }
      await under.client.call(decideApproval, { approval_id, decision: 'approve' }, approver).catch(() => undefined)
    }
    return ['done', 'failed', 'rolled_back'].includes(detail.status) && detail
  })
}

describe('a kind that somebody else provides', () => {
  it('is unknown as long as nobody provides it', async () => {
    setLamps({ desk: false })
    expect(await done('switch the lamp desk on')).toMatchObject({ status: 'failed', error: { code: 'unknown_kind' } })
    expect(lamps()).toEqual({ desk: false })
  })

  it('is agreed to, done, seen to be done, and undone', async () => {
    setLamps({ desk: false })
    await using _provider = await startProvider()
    const detail = await done('switch the lamp desk on')
    expect(detail).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(detail.tasks.find(({ action }) => action?.kind === 'lamp.switch')).toMatchObject({
      level: 3,
      evidence: { outcome: 'verified', observed: 'the lamp desk is on', facts: { on: true } },
    })
    expect(lamps()).toEqual({ desk: true })

    // Nothing is left to do, so nobody is asked.
    const again = await done('switch the lamp desk on')
    expect(again.tasks.find(({ action }) => action?.kind === 'lamp.switch')).toMatchObject({
      level: 0,
      evidence: { already_so: true },
    })

    await rollBack(under.client, detail.execution_id)
    await until(async () => (await detailOf(detail.execution_id)).status === 'rolled_back')
    expect(lamps()).toEqual({ desk: false })
  })

  it('is agreed to as what its provider was: of another version a person is asked again', async () => {
    setLamps({ desk: false })
    const approver = { principal: { tenant: 'local', user: 'approver' } }
    const decide = (approval_id: ApprovalView['approval_id'], decision: 'approve' | 'deny') =>
      under.client.call(decideApproval, { approval_id, decision, reason: 'as it is' }, approver)
    let execution_id: ExecutionDetail['execution_id']
    const pending = async (): Promise<ApprovalView | undefined> =>
      (await under.client.call(listApprovals, { execution_id, status: 'pending' })).approvals[0]
    let first: ApprovalView
    {
      await using _provider = await startProvider()
      const request = { task: 'switch the lamp desk on', mode: 'background' } as const
      execution_id = (await under.client.call(requestExecution, request)).execution_id
      first = await until(pending, { what: 'a question' })
    }
    const { nats_url: url, nats_user: user, nats_password: password } = under.mesh.connectionAs('provider')
    await using other = await connectBus({ service: 'provider', url, user, password })
    other.serve(provided(observeProvided, 'lamp.switch'), async () => ({
      ...({ effect: 'change', reversibility: 'reversible', outcome: 'failed', at: 'unknown' } as const),
      ...{ idempotent: true, summary: 'switch the lamp desk on', state: 'off', observed: 'the lamp desk is off' },
      provider: 'lamps 2.0.0',
    }))
    await other.nc.flush()
    await decide(first.approval_id, 'approve')
    const second = await until(pending, { what: 'the question again' })
    expect(second.approval_id).not.toBe(first.approval_id)
    expect(second.actions[0]?.changed).toMatchObject([
      { path: '$.expect_resolved.provider', before: 'lamps 1.0.0', after: 'lamps 2.0.0' },
    ])
    await decide(second.approval_id, 'deny')
    expect(lamps()).toEqual({ desk: false })
  })

  it('refuses what it cannot do before anybody is asked', async () => {
    setLamps({ desk: false })
    await using _provider = await startProvider()
    expect(await done('switch the lamp attic on')).toMatchObject({
      status: 'failed',
      error: { code: 'not_found', message: 'there is no lamp attic' },
    })
  })
})

describe('a tool of an MCP server', () => {
  it('that changes something is agreed to, called, seen to have worked, and taken back', async () => {
    const detail = await done('open a ticket printer')
    expect(detail).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(detail.tasks.find(({ action }) => action?.kind === 'mcp.call')).toMatchObject({
      level: expect.toSatisfy((level: number) => level >= 1),
      action: { expect_before: expect.stringMatching(/^tools:[0-9a-f]{64}$/) },
      evidence: {
        outcome: 'verified',
        claimed: expect.stringContaining('create_ticket'),
        facts: { server: 'tickets' },
      },
    })
    const tickets = join(under.workspace, 'tickets.json')
    expect(JSON.parse(readFileSync(tickets, 'utf8'))).toEqual([{ id: 1, title: 'printer' }])

    const list = await done('which tickets are open')
    expect(list).toMatchObject({ status: 'done', result: { text: expect.stringContaining('printer') } })

    await rollBack(under.client, detail.execution_id)
    await until(async () => (await detailOf(detail.execution_id)).status === 'rolled_back')
    expect(existsSync(tickets)).toBe(false)
  })
})

describe('the runbook', () => {
  it('runs for its words, step by step', async () => {
    expect(await done('publish the page')).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(readFileSync(join(under.workspace, 'site/index.html'), 'utf8')).toBe('<h1>It works</h1>\n')
  })
})

describe('a manifest', () => {
  it.each(readdirSync(join(EXAMPLES, 'manifests')))(
    'is applied, and applied again changes nothing: %s',
    async (file) => {
      const path = join(EXAMPLES, 'manifests', file)
      const apply = async () => startDeed(under.mesh.dataDir, ['apply', '--yes', '--json', '-f', path]).ended
      const first = await apply()
      expect(first, first.stderr).toMatchObject({ code: 0 })
      expect(JSON.parse(first.stdout)).toMatchObject({ status: 'done', metrics: { success: true } })
      const second = await apply()
      expect(second, second.stderr).toMatchObject({ code: 0 })
    },
  )

  it('leaves the files that the examples name', () => {
    expect(existsSync(join(under.workspace, 'pages/index.txt'))).toBe(true)
    expect(existsSync(join(under.workspace, 'report/index.txt'))).toBe(true)
  })
})

describe('the list of kinds', () => {
  it('has each kind of the executor with a schema that describes it and an example', async () => {
    const { kinds } = await under.client.call(listKinds, {})
    expect(kinds.map(({ name }) => name)).toEqual(expect.arrayContaining(['file.write', 'git.commit', 'mcp.call']))
    for (const { name, input, example, summary } of kinds) {
      const { properties, anyOf, oneOf } = input as Record<string, object[] | undefined> & { properties?: object }
      const forms = anyOf ?? oneOf ?? [{ properties }]
      const known = forms.map((form) => Object.keys((form as { properties?: object }).properties ?? {}))
      // Of one form of the input, where it has several.
      expect(known, name).toContainEqual(expect.arrayContaining(Object.keys(example)))
      expect(summary, name).not.toBe('')
    }
  })
})
