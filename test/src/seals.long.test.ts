// What an approval is bound to: what names mean when it is given, and of a workspace no more than what a command names.
// On a whole mesh, whose configuration changes while people decide.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { listKinds } from '@deed/proto/action'
import { type ApprovalView, decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, requestExecution } from '@deed/proto/execution'
import { deleteGoal, type GoalView, listGoals, putGoal } from '@deed/proto/goal'
import { putGrant } from '@deed/proto/grant'
import { rollbackExecution } from '@deed/proto/steering'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askedOf, detailOf, endOf } from './follow.ts'

type Id = ExecutionDetail['execution_id']

const RULES = `pack: seals
version: 1
description: A board with notes, and commands that read or write
world:
  targets: { board: { type: http, url: "http://127.0.0.1:1" } }
rules:
  - name: publish
    match: publish {what:word} on the board
    actions:
      - title: "publish {{what}}"
        kind: http.request
        input: { method: POST, target: board, path: /notes, body: "{{what}}" }
        verify: { kind: http, target: board, path: /notes, body_contains: "{{what}}" }
    tests: [{ say: publish v1 on the board }]
`
const CONFIG = `commands: { allow: [touch, sh, wc] }\n`

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let good: Board
let evil: Board

interface Board extends AsyncDisposable {
  readonly notes: string[]
  readonly url: string
}

async function board(): Promise<Board> {
  const notes: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'POST') notes.push(Buffer.concat(chunks).toString())
      response.end(JSON.stringify(notes))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    notes,
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const targets = (word: string, url: string): string => `targets:
  victim: { type: process, command: [/bin/sh, -c, "echo ${word} > out.txt; exec sleep 300"], cwd: ./workspace }
  board: { type: http, url: "${url}" }
`

/** As somebody who edits execution.yaml and starts Deed again. */
async function reconfigure(yaml: string, ignore = '[]'): Promise<void> {
  writeFileSync(
    join(dirname(under.workspace), 'execution.yaml'),
    `workspaces:\n  main: { root: ./workspace, ignore: ${ignore} }\n${CONFIG}${yaml}`,
  )
  for (const name of ['executor', 'orchestrator'] as const) {
    const service = under.mesh.service(name)
    const { pid } = service
    await service.kill()
    await until(() => service.pid !== undefined && service.pid !== pid, { timeoutMs: 60_000, what: `the ${name}` })
  }
  // A call waits until somebody answers it; what they ask each other may not.
  await under.client.call(listKinds, {})
  await under.client.call(listApprovals, {})
}

beforeAll(async () => {
  const rules = opened.use(temporaryFolder()).path
  writeFileSync(join(rules, 'seals.yaml'), RULES)
  good = opened.use(await board())
  evil = opened.use(await board())
  under = opened.use(
    await meshUnderTest({ env: { RULES_DIR: rules }, config: `${CONFIG}${targets('GOOD', good.url)}` }),
  )
})
afterAll(() => opened.disposeAsync())

const begin = async (task: string): Promise<Id> =>
  (await under.client.call(requestExecution, { task, mode: 'background' })).execution_id

const approve = ({ approval_id, plan_hash }: ApprovalView) =>
  under.client.call(decideApproval, { approval_id, decision: 'approve', plan_hash })

const stopVictim = async (): Promise<void> => {
  const id = await begin('stop victim')
  await approve(await askedOf(under, id))
  expect(await endOf(under, id)).toMatchObject({ status: 'done' })
}

const questions = ({ timeline }: ExecutionDetail): number =>
  timeline.filter(({ type }) => type === 'approval.requested').length

describe('an approval of a busy workspace', () => {
  let writer: ChildProcess
  const started = async (): Promise<void> => {
    const script = `setInterval(() => require('fs').appendFileSync('app.log', 'x\\n'), 100)`
    writer = spawn(process.execPath, ['-e', script], { cwd: under.workspace })
    await until(() => existsSync(join(under.workspace, 'app.log')) || undefined, { what: 'the log' })
  }

  it('is used by each of 40 commands, of which none is asked for twice', async () => {
    await started()
    try {
      const ids = await Promise.all(Array.from({ length: 40 }, (_, index) => begin(`run \`touch made-${index}.txt\``)))
      for (const id of ids) await approve(await askedOf(under, id))
      for (const [index, id] of ids.entries()) {
        const end = await endOf(under, id)
        expect(end, end.error?.message).toMatchObject({ status: 'done' })
        expect(questions(end)).toBe(1)
        expect(existsSync(join(under.workspace, `made-${index}.txt`))).toBe(true)
      }
    } finally {
      writer.kill()
      await once(writer, 'exit')
    }
  }, 300_000)

  it('is undone without what others write to files that the workspace ignores', async () => {
    await reconfigure(targets('GOOD', good.url), '["*.log"]')
    await started()
    try {
      const id = await begin('run `sh -c "sleep 1; touch undone.txt"`')
      await approve(await askedOf(under, id))
      expect(await endOf(under, id)).toMatchObject({ status: 'done' })
      expect(existsSync(join(under.workspace, 'undone.txt'))).toBe(true)
      const lines = readFileSync(join(under.workspace, 'app.log'), 'utf8').length
      const { approval_id } = await under.client.call(rollbackExecution, { execution_id: id })
      if (approval_id !== null) await approve(await askedOf(under, id))
      await until(async () => (await detailOf(under, id)).status === 'rolled_back' || undefined, {
        timeoutMs: 60_000,
        what: 'the undo',
      })
      expect(existsSync(join(under.workspace, 'undone.txt'))).toBe(false)
      expect(readFileSync(join(under.workspace, 'app.log'), 'utf8').length).toBeGreaterThanOrEqual(lines)
    } finally {
      writer.kill()
      await once(writer, 'exit')
    }
  }, 180_000)

  it('is void once for a file that the command names, and the second time says which and what to declare', async () => {
    appendFileSync(join(under.workspace, 'names.txt'), 'first\n')
    const id = await begin('run `wc -l names.txt`')
    const first = await askedOf(under, id)
    appendFileSync(join(under.workspace, 'names.txt'), 'second\n')
    await approve(first)
    const second = await askedOf(under, id)
    expect(second.actions).toMatchObject([{ changed: [{ path: '$.expect_files.names.txt' }] }])
    appendFileSync(join(under.workspace, 'names.txt'), 'third\n')
    await approve(second)
    const end = await endOf(under, id)
    expect(end).toMatchObject({ status: 'failed', error: { code: 'precondition_failed' } })
    expect(end.error?.message).toMatch(/names\.txt.*"paths".*"ignore"/)
    expect(questions(end)).toBe(2)
  })
})

describe('an approval to start a target', () => {
  it('is void where its command has changed since, and is asked for again with both commands shown', async () => {
    const id = await begin('start victim')
    const first = await askedOf(under, id)
    const screen = await startDeed(under.mesh.dataDir, ['show', id]).ended
    expect(screen.stdout).toContain('echo GOOD')
    await reconfigure(targets('EVIL', good.url))
    await approve(first)
    const second = await askedOf(under, id)
    expect(second.approval_id).not.toBe(first.approval_id)
    expect(second.actions[0]?.changed).toMatchObject([
      {
        path: '$.expect_resolved.victim.command',
        before: expect.stringContaining('GOOD'),
        after: expect.stringContaining('EVIL'),
      },
    ])
    expect(existsSync(join(under.workspace, 'out.txt'))).toBe(false)
    await under.client.call(decideApproval, { approval_id: second.approval_id, decision: 'deny', reason: 'no' })
    expect(await endOf(under, id)).toMatchObject({ status: 'denied' })
    expect(existsSync(join(under.workspace, 'out.txt'))).toBe(false)
  }, 180_000)

  it('holds where nothing about the target has changed', async () => {
    const id = await begin('start victim')
    const approval = await askedOf(under, id)
    await reconfigure(targets('EVIL', evil.url))
    await approve(approval)
    expect(await endOf(under, id)).toMatchObject({ status: 'done' })
    expect(readFileSync(join(under.workspace, 'out.txt'), 'utf8')).toBe('EVIL\n')
    await stopVictim()
  }, 180_000)
})

describe('an undo', () => {
  it('is refused while the target is another than what was changed, and done once it is that again', async () => {
    await reconfigure(targets('GOOD', good.url))
    const execution_id = await begin('start victim')
    await approve(await askedOf(under, execution_id))
    expect(await endOf(under, execution_id)).toMatchObject({ status: 'done' })
    await reconfigure(targets('EVIL', good.url))
    const { steps } = await under.client.call(rollbackExecution, { execution_id, dry_run: true })
    const why = expect.stringMatching(/victim\.command is .*EVIL.*, and was .*GOOD.* when this was done/)
    expect(steps).toMatchObject([{ outlook: 'cannot', why }])
    await expect(under.client.call(rollbackExecution, { execution_id })).rejects.toMatchObject({
      code: 'undo_conflict',
      message: why,
    })
    expect(await detailOf(under, execution_id)).toMatchObject({ status: 'done' })
    await reconfigure(targets('GOOD', good.url))
    const undone = await startDeed(under.mesh.dataDir, ['rollback', execution_id, '--yes']).ended
    expect(undone, undone.stderr).toMatchObject({ code: 0 })
  }, 180_000)
})

describe('what was agreed to with a goal', () => {
  it('is void where its target means something else since: a person is asked, and sees what has changed', async () => {
    const { execution_id: first } = await under.client.call(putGoal, {
      ...{ name: 'victim-up', task: 'keep victim running', interval_ms: 1_000 },
    })
    await approve(await askedOf(under, first!))
    const started = await endOf(under, first!)
    const goal = (): Promise<GoalView | undefined> =>
      under.client.call(listGoals, { name: 'victim-up' }).then(({ goals }) => goals[0])
    await until(async () => (await goal())?.status === 'active', { timeoutMs: 60_000, what: 'the goal' })
    writeFileSync(join(under.workspace, 'out.txt'), '')
    await reconfigure(targets('EVIL', good.url))
    const { pid } = Object(started.tasks.find(({ task_kind }) => task_kind === 'act')?.result?.data)
    process.kill(pid, 'SIGKILL')
    const remedy = await until(
      async () => {
        const now = (await goal())?.execution_id
        return now && now !== first ? now : undefined
      },
      { timeoutMs: 60_000, what: 'a remedy' },
    )
    const approval = await askedOf(under, remedy)
    expect(approval.actions).toMatchObject([
      {
        changed: [
          {
            path: '$.victim.command',
            before: expect.stringContaining('GOOD'),
            after: expect.stringContaining('EVIL'),
          },
        ],
      },
    ])
    await under.client.call(decideApproval, { approval_id: approval.approval_id, decision: 'deny', reason: 'no' })
    expect(await endOf(under, remedy)).toMatchObject({ status: 'denied' })
    expect(readFileSync(join(under.workspace, 'out.txt'), 'utf8')).toBe('')
    await under.client.call(deleteGoal, { name: 'victim-up' })
  }, 180_000)
})

describe('an approval of a request', () => {
  it('is void where its target has another address since, which is sent nothing', async () => {
    await reconfigure(targets('GOOD', good.url))
    const id = await begin('publish v1 on the board')
    const first = await askedOf(under, id)
    await reconfigure(targets('GOOD', evil.url))
    await approve(first)
    const second = await askedOf(under, id)
    expect(second.actions[0]?.changed).toMatchObject([
      { path: '$.expect_resolved.board.address', before: good.url, after: evil.url },
    ])
    expect(evil.notes).toEqual([])
    await under.client.call(decideApproval, { approval_id: second.approval_id, decision: 'deny', reason: 'no' })
    expect(await endOf(under, id)).toMatchObject({ status: 'denied' })
    expect(evil.notes).toEqual([])
  }, 180_000)
})

describe('a grant', () => {
  it('agrees to the address that its target had when it was given, and to no other', async () => {
    await reconfigure(targets('GOOD', good.url))
    const grant = await under.client.call(putGrant, {
      kind: 'file.write',
      path: 'notes',
      level: 2,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    expect(grant.means).toEqual({ workspace: under.workspace })
    const bound = await under.client.call(putGrant, {
      kind: 'service.start',
      target: 'victim',
      level: 2,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    expect(bound.means['victim.command']).toContain('GOOD')
    const covered = await endOf(under, await begin('start victim'))
    expect(covered).toMatchObject({ status: 'done' })
    expect(questions(covered)).toBe(0)
    await stopVictim()
    await reconfigure(targets('EVIL', good.url))
    const id = await begin('start victim')
    const approval = await askedOf(under, id)
    expect(approval.actions).toMatchObject([
      { why: expect.stringContaining('its names meant something else'), changed: [{ path: '$.victim.command' }] },
    ])
    await under.client.call(decideApproval, { approval_id: approval.approval_id, decision: 'deny', reason: 'no' })
    expect(await endOf(under, id)).toMatchObject({ status: 'denied' })
  }, 180_000)
})
