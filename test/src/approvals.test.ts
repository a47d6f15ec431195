// What people are asked, and what they agree to ahead: over NATS, and from a second terminal, on a whole mesh whose policy
// wants two people from level 2 on.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { countRowsAtRest } from '@deed/drill/harness/count-rows'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { writePolicyOfAnyHost } from '@deed/drill/harness/policy-of-any-host'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import type { Alert } from '@deed/proto/alert'
import { type ApprovalView, listApprovals, SealedStep } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import { type Grant, listGrants } from '@deed/proto/grant'
import { defined } from '@deed/proto/json'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { cancelExecution } from '@deed/proto/steering'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { headers as newHeaders } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PlainClient, plainClient } from './plain-client.ts'

const DECIDERS = 100

/** One of each family, and whether it can be taken back. What only reads has nothing to take back. */
const SAMPLES: Record<string, { kind: string; input: object; verify?: object; undo: string | null }> = {
  one: { kind: 'file.write', input: { path: 'dry/new.txt', content: 'hello' }, undo: 'reversible' },
  two: { kind: 'file.patch', input: { path: 'base.txt', diff: '@@ -1 +1 @@\n-base\n+other\n' }, undo: 'reversible' },
  three: { kind: 'file.move', input: { from: 'base.txt', to: 'dry/moved.txt' }, undo: 'reversible' },
  four: { kind: 'file.delete', input: { path: 'base.txt' }, undo: 'reversible' },
  five: { kind: 'dir.create', input: { path: 'dry/folder' }, undo: 'reversible' },
  six: {
    kind: 'code.generate',
    input: { path: 'dry/a.js', language: 'javascript', content: 'export {}\n' },
    undo: 'reversible',
  },
  seven: { kind: 'command.run', input: { argv: ['true'] }, verify: { kind: 'exit_code' }, undo: 'reversible' },
  eight: { kind: 'test.run', input: { argv: ['true'] }, undo: 'reversible' },
  nine: { kind: 'service.start', input: { target: 'sleeper' }, undo: 'compensable' },
  ten: {
    kind: 'http.request',
    input: { method: 'POST', target: 'board', path: '/notes', body: 'dry' },
    verify: { kind: 'http', target: 'board', path: '/notes', body_contains: 'dry' },
    undo: 'irreversible',
  },
  eleven: {
    kind: 'sql.execute',
    input: {
      target: 'shelf',
      statement: 'insert into shelf.books (id) values (8)',
      verify: { query: 'select count(*) from shelf.books where id = 8', equals: 1 },
    },
    undo: 'irreversible',
  },
  twelve: { kind: 'git.branch', input: { repository: 'repository', name: 'dry', from: 'main' }, undo: 'reversible' },
  thirteen: { kind: 'sql.query', input: { target: 'shelf', query: 'select 1' }, undo: 'reversible' },
}

const PUBLISH = {
  title: 'publish {{what}}',
  kind: 'http.request',
  input: { method: 'POST', target: 'board', path: '/notes', body: '{{what}}' },
  verify: { kind: 'http', target: 'board', path: '/notes', body_contains: '{{what}}' },
}

const RULES = {
  pack: 'board',
  version: 1,
  description: 'A board with notes, and one of each kind',
  world: {
    targets: {
      board: { type: 'http', url: 'http://127.0.0.1:1' },
      shelf: { type: 'sql', url_env: 'SHELF_URL' },
      sleeper: { type: 'process', command: ['sleep', '60'] },
    },
  },
  rules: [
    {
      name: 'publish',
      match: 'publish {what:word} on the board',
      actions: [PUBLISH],
      tests: [{ say: 'publish v1 on the board' }],
    },
    ...Object.entries(SAMPLES).map(([name, { kind, input, verify }]) => ({
      name: `sample-${name}`,
      match: `show sample ${name}`,
      actions: [{ title: `sample ${name}`, kind, input, ...defined({ verify }) }],
      tests: [{ say: `show sample ${name}` }],
    })),
  ],
}

const opened = new AsyncDisposableStack()
/** What was posted to the board, in order: the witness of effects that cannot be undone. */
const notes: string[] = []
let under: MeshUnderTest
let shelf: TestDatabase<object>
let operator: PlainClient
let approver: PlainClient

beforeAll(async () => {
  shelf = opened.use(await testDatabase('shelf', {}))
  await shelf.pool.query('create table shelf.books (id int primary key)')
  const board = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'POST') notes.push(Buffer.concat(chunks).toString())
      response.end(JSON.stringify(notes))
    })
  })
  await new Promise<void>((done) => board.listen(0, '127.0.0.1', done))
  opened.defer(() => void board.close())
  const folder = opened.use(temporaryFolder()).path
  mkdirSync(join(folder, 'rules'))
  writeFileSync(join(folder, 'rules/board.yaml'), JSON.stringify(RULES))
  const changes = { self_approval: false, approvers: { trainee: 1 } }
  const policy = writePolicyOfAnyHost(join(folder, 'policy.yaml'), changes)
  under = opened.use(
    await meshUnderTest({
      config: `
targets:
  board: { type: http, url: "http://127.0.0.1:${(board.address() as AddressInfo).port}" }
  shelf: { type: sql, url_env: SHELF_URL }
  sleeper: { type: process, command: [sleep, "60"] }
commands: { allow: [cp, 'true'] }
`,
      env: { RULES_DIR: join(folder, 'rules'), DEED_POLICY: policy, SHELF_URL: shelf.url },
    }),
  )
  operator = opened.use(await plainClient(under.mesh.connection))
  approver = opened.use(await plainClient(under.mesh.connectionAs('approver')))
  writeFileSync(join(under.workspace, 'base.txt'), 'base\n')
  execFileSync('git', ['init', '-q', '-b', 'main', 'repository'], { cwd: under.workspace })
  const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.com']
  execFileSync('git', [...author, 'commit', '-q', '--allow-empty', '-m', 'first'], {
    cwd: join(under.workspace, 'repository'),
  })
})
afterAll(() => opened.disposeAsync())

const detailOf = (id: ExecutionDetail['execution_id']): Promise<ExecutionDetail> =>
  under.client.call(getExecution, { execution_id: id })

const endOf = (id: ExecutionDetail['execution_id']): Promise<ExecutionDetail> =>
  until(
    async () => {
      const detail = await detailOf(id)
      return (FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(detail.status) && detail
    },
    { timeoutMs: 60_000, what: 'the end' },
  )

const begin = async (task: string): Promise<ExecutionDetail['execution_id']> =>
  (await under.client.call(requestExecution, { task, mode: 'background' })).execution_id

const pending = async (id: ExecutionDetail['execution_id']): Promise<ApprovalView[]> =>
  (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals

/** What somebody is asked next. */
const asked = (id: ExecutionDetail['execution_id']): Promise<ApprovalView> =>
  until(async () => (await pending(id))[0], { what: 'a question' })

const typesOf = ({ timeline }: ExecutionDetail): string[] => timeline.map(({ type }) => type)

/** The command, in a process of its own, as from another terminal. */
const deed = (...args: string[]): Promise<Ended> => startDeed(under.mesh.dataDir, args).ended

const decideAs = (by: PlainClient, subject: string, approval: ApprovalView, decision: 'approve' | 'deny' = 'approve') =>
  by.ask(subject, { approval_id: approval.approval_id, decision, plan_hash: approval.plan_hash })

const AS_APPROVER = 'approval.decide.local.approver'

describe('a plan of level 2, from a second terminal', () => {
  it('is shown whole, needs somebody else than the requester, and runs as it was shown', async () => {
    const alerts: Alert[] = []
    operator.nc.subscribe('alerts.local.approval-wanted', {
      callback: (_, message) => void alerts.push(message.json()),
    })
    await operator.nc.flush()
    const id = await begin('write "new" to plan/a.txt, then run `cp plan/a.txt plan/b.txt`')
    const approval = await asked(id)
    const shown = await deed('show', id)
    expect(shown.stdout).toContain('Approval is required: level 2, review of the whole plan')
    expect(shown.stdout).toMatch(/steps {5}2 steps;.* all of it can be undone\n +1\. .*\n +2\. .*\(level \d, after 1\)/)
    expect(shown.stdout).toMatch(/diff:\n.*\n.*\n.*\n +\+new/)
    expect(shown.stdout).toMatch(/expect_sandbox: \S+/)
    expect(shown.stdout).toContain('undo: what was there before is brought back')

    const unsure = await deed('approve', id, '--as', 'approver')
    expect(unsure).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    const own = await deed('approve', id, '--yes')
    expect(own).toMatchObject({ code: 2, stderr: expect.stringContaining('self_approval') })
    expect((await detailOf(id)).status).toBe('waiting')

    const other = await deed('approve', approval.approval_id, '--as', 'approver', '--yes', '--reason', 'looks good')
    expect(other).toMatchObject({ code: 0, stdout: expect.stringContaining(approval.plan_hash) })
    const end = await endOf(id)
    expect(end).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(readFileSync(join(under.workspace, 'plan/b.txt'), 'utf8')).toBe('new')
    expect(end.timeline.filter(({ type }) => type.startsWith('approval.'))).toMatchObject([
      { type: 'approval.requested', data: { level: 2, plan_hash: approval.plan_hash } },
      { type: 'approval.refused', data: { by: 'user', code: 'self_approval' } },
      { type: 'approval.decided', data: { by: 'approver', reason: 'looks good' } },
      { type: 'approval.used', data: { approval_id: approval.approval_id } },
    ])
    expect(alerts.filter(({ execution_id }) => execution_id === id)).toMatchObject([
      { name: 'approval-wanted', data: { approval_id: approval.approval_id, level: 2 } },
    ])
  })

  it('runs nothing where it was denied, and says why', async () => {
    const id = await begin('write "no" to plan/denied.txt, then run `true`')
    await asked(id)
    expect(await deed('deny', id, '--reason', 'not on a Friday')).toMatchObject({ code: 0 })
    const end = await endOf(id)
    expect(end).toMatchObject({ status: 'denied', error: { message: expect.stringContaining('not on a Friday') } })
    expect(readdirSync(join(under.workspace, 'plan'))).not.toContain('denied.txt')
  })

  it('shows what changed where it became another than the one agreed to', async () => {
    const id = await begin('write "planned" to plan/drift.txt, then run `true`')
    const first = await asked(id)
    writeFileSync(join(under.workspace, 'plan/drift.txt'), 'somebody else was here')
    await decideAs(approver, AS_APPROVER, first)
    const second = await asked(id)
    expect(second.approval_id).not.toBe(first.approval_id)
    expect(second.actions).toMatchObject([
      { changed: [{ path: '$.expect_before', before: 'absent', after: expect.stringMatching(/^sha256:/) }] },
    ])
    // The agreement to the first plan is none to this one.
    expect((await decideAs(approver, AS_APPROVER, first)).body).toMatchObject({ code: 'approval_already_used' })
    expect((await decideAs(approver, AS_APPROVER, { ...second, plan_hash: first.plan_hash })).body).toMatchObject({
      code: 'approval_mismatch',
    })
    await decideAs(approver, AS_APPROVER, second, 'deny')
    expect((await endOf(id)).status).toBe('denied')
    expect(readFileSync(join(under.workspace, 'plan/drift.txt'), 'utf8')).toBe('somebody else was here')
  })
})

describe('a step of level 3', () => {
  it('is shown and asked for when those before it are done, and not sooner', async () => {
    const id = await begin('run `true`, then publish v1 on the board')
    const whole = await asked(id)
    expect(whole).toMatchObject({ level: 2, plan: { steps: [{ agreement: 'plan' }, { agreement: 'own', level: 3 }] } })
    expect(whole.plan?.point_of_no_return).toBe(whole.plan?.steps[1]?.name)
    const { rows } = await under.database.query(
      'select approval_id, plan_hash from orchestrator.approvals where execution_id = $1 and level = 3',
      [id],
    )
    expect(rows).toHaveLength(1)
    expect((await decideAs(approver, AS_APPROVER, rows[0])).body).toMatchObject({ code: 'not_found' })
    expect(await pending(id)).toHaveLength(1)
    await decideAs(approver, AS_APPROVER, whole)

    const step = await until(async () => {
      const { body } = await approver.ask('approval.list.local.approver', { execution_id: id, status: 'pending' })
      return body.approvals[0] as ApprovalView | undefined
    })
    expect(step).toMatchObject({ level: 3, actions: [{ reversibility: 'irreversible' }] })
    const before = (await detailOf(id)).tasks.find(({ action }) => action?.kind === 'command.run')
    expect(before?.actual_status).toBe('done')
    expect(notes).not.toContain('v1')
    const screen = await deed('approve', step.approval_id, '--as', 'approver', '--yes')
    expect(screen).toMatchObject({ code: 0, stdout: expect.stringContaining('undo: CANNOT BE UNDONE') })
    expect(await endOf(id)).toMatchObject({ status: 'done' })
    expect(notes.filter((note) => note === 'v1')).toHaveLength(1)
  })

  it('is shown as it would meet the world then, and is bound to that', async () => {
    const id = await begin('run `true`, then show sample eleven')
    const whole = await asked(id)
    const planned = async () => {
      const { rows } = await under.database.query(
        'select actions, plan_hash from orchestrator.approvals where execution_id = $1 and level = 3',
        [id],
      )
      return rows[0] as Pick<ApprovalView, 'actions' | 'plan_hash'>
    }
    const { actions, plan_hash: before } = await planned()
    expect(actions).toMatchObject([{ state_before: null }])
    await decideAs(approver, AS_APPROVER, whole)
    const step = await until(async () => (await pending(id)).find(({ level }) => level === 3))
    expect(step.plan_hash).not.toBe(before)
    const [shown] = step.actions
    expect(shown?.state_before).toMatch(/^rows:[0-9a-f]{64}$/)
    expect(shown?.action.expect_before).toBe(shown?.state_before)
    expect((await decideAs(approver, AS_APPROVER, { ...step, plan_hash: before })).body).toMatchObject({
      code: 'approval_mismatch',
    })
    await decideAs(approver, AS_APPROVER, step)
    expect(await endOf(id)).toMatchObject({ status: 'done' })
    const { rows } = await shelf.pool.query('delete from shelf.books where id = 8 returning id')
    expect(rows).toHaveLength(1)
  })

  it('is asked for by nobody where it is so by then', async () => {
    const id = await begin('run `true`, then show sample eleven')
    const whole = await asked(id)
    await shelf.pool.query('insert into shelf.books (id) values (8)')
    await decideAs(approver, AS_APPROVER, whole)
    const end = await endOf(id)
    expect(end).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(end.tasks.find(({ action }) => action?.kind === 'sql.execute')).toMatchObject({
      evidence: { outcome: 'verified', already_so: true },
    })
    expect(typesOf(end).filter((type) => type === 'approval.requested')).toHaveLength(1)
    await shelf.pool.query('delete from shelf.books where id = 8')
  })

  it('says so where what cannot be undone does not come last', async () => {
    const id = await begin('publish v2 on the board, then run `true`')
    await until(async () => (await pending(id)).length === 2)
    const step = (await pending(id)).find(({ level }) => level === 3)
    expect(step?.actions[0]?.why).toBe('cannot be undone, and a step that may fail is not done before it')
    await decideAs(approver, AS_APPROVER, step as ApprovalView, 'deny')
    expect((await endOf(id)).status).toBe('denied')
    expect(notes).not.toContain('v2')
  })
})

describe('who decides', () => {
  it('is said by the subject alone, and the audit log names those who may not', async () => {
    const id = await begin('run `true`')
    const approval = await asked(id)
    const body = { approval_id: approval.approval_id, decision: 'approve' }
    const forged = await operator.ask('approval.decide', { ...body, approver: 'ceo' })
    expect(forged.body).toMatchObject({ code: 'unknown_field', path: '$.approver' })
    const headers = newHeaders()
    headers.set('X-Role', 'ceo')
    const { data } = await operator.nc.request('approval.decide', JSON.stringify(body), { headers, timeout: 60_000 })
    expect(JSON.parse(Buffer.from(data).toString())).toMatchObject({ code: 'self_approval' })
    expect((await operator.ask('approval.decide.local.trainee', body)).body).toMatchObject({ code: 'forbidden' })
    await expect(approver.ask('approval.decide.local.trainee', body)).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    })
    const detail = await detailOf(id)
    expect(detail.status).toBe('waiting')
    expect(detail.timeline.filter(({ type }) => type === 'approval.refused')).toMatchObject([
      { data: { by: 'user', code: 'self_approval' } },
      { data: { by: 'trainee', code: 'forbidden' } },
    ])
    await decideAs(operator, 'approval.decide.local.trainee', approval, 'deny')
    expect((await detailOf(id)).status).toBe('waiting')
    await decideAs(approver, AS_APPROVER, approval, 'deny')
  })
})

describe('many at once', () => {
  const races: [string, (index: number) => 'approve' | 'deny' | 'cancel'][] = [
    ['who approve', () => 'approve'],
    ['who approve and who deny', (index) => (index % 2 === 0 ? 'approve' : 'deny')],
    ['who approve and who cancel', (index) => (index % 2 === 0 ? 'approve' : 'cancel')],
  ]
  it.each(races)('%s: one wins, and what it says happens once', async (title, verdict) => {
    const word = title.replaceAll(' ', '')
    const id = await begin(`publish ${word} on the board`)
    const approval = await asked(id)
    const answers = await Promise.all(
      Array.from({ length: DECIDERS }, async (_, index) => {
        const said = verdict(index)
        const { body } =
          said === 'cancel'
            ? await operator.ask('execution.cancel', { execution_id: id })
            : await decideAs(approver, AS_APPROVER, approval, said)
        return { said, body }
      }),
    )
    const decided = answers.filter(({ said, body }) => said !== 'cancel' && body.code === undefined)
    const { rows } = await under.database.query(
      `select data->>'decision' as decision from orchestrator.audit_log
        where execution_id = $1 and type = 'approval.decided'`,
      [id],
    )
    expect(decided).toHaveLength(rows.length)
    for (const { said, body } of answers) {
      if (said !== 'cancel' && body.code !== undefined) expect(body.code).toBe('approval_already_used')
    }
    const end = await endOf(id)
    const consumed = typesOf(end).filter((type) => type === 'approval.used').length
    if (!title.includes('cancel')) {
      expect(rows).toHaveLength(1)
      expect(end.status).toBe(rows[0].decision === 'approve' ? 'done' : 'denied')
    }
    expect(consumed).toBeLessThanOrEqual(1)
    expect(notes.filter((note) => note === word).length).toBe(consumed)
  })

  it('who approve when it has expired by the clock of the database: none wins, and nothing happens', async () => {
    const id = await begin('publish toolate on the board')
    const approval = await asked(id)
    // Behind the back of the orchestrator, which holds it for good still.
    await under.database.query(
      `update orchestrator.approvals set expires_at = now() - interval '1 millisecond' where approval_id = $1`,
      [approval.approval_id],
    )
    await under.database.query('update orchestrator.executions set next_check_at = now() where execution_id = $1', [id])
    const answers = await Promise.all(Array.from({ length: DECIDERS }, () => decideAs(approver, AS_APPROVER, approval)))
    expect([...new Set(answers.map(({ body }) => body.code))]).toEqual(['approval_expired'])
    await under.client.call(requestExecution, { task: 'create the folder afterwards' })
    expect(notes).not.toContain('toolate')
    expect(await endOf(id)).toMatchObject({ status: 'denied', error: { code: 'approval_expired' } })
  })
})

describe('what an executor goes by', () => {
  it('is the sealed action alone: changed behind the approval, or not agreed to, it does not run', async () => {
    writeFileSync(join(under.workspace, 'sealed.txt'), 'before')
    const id = await begin('overwrite sealed.txt with "after"')
    await decideAs(approver, AS_APPROVER, await asked(id))
    const end = await endOf(id)
    const task = end.tasks.find(({ task_kind }) => task_kind === 'act')?.task_id
    const client = await under.database.connect()
    const granted = async (): Promise<number> =>
      (await client.query('select from orchestrator.dispatch where task_id = $1', [task])).rowCount ?? 0
    try {
      await client.query('begin')
      await client.query(`update orchestrator.actual_state set actual_status = 'in_progress' where task_id = $1`, [
        task,
      ])
      expect(await granted()).toBe(1)
      for (const change of [
        `update orchestrator.desired_state set action_hash = 'another' where task_id = $1`,
        `update orchestrator.desired_state set level = 3 where task_id = $1`,
        `update orchestrator.desired_state set approval_id = null where task_id = $1`,
        `update orchestrator.approvals set status = 'approved' where sealed ? ($1::uuid)::text`,
        `update orchestrator.approvals set sealed = '{}' where sealed ? ($1::uuid)::text`,
      ]) {
        await client.query('savepoint before')
        await client.query(change, [task])
        expect([change, await granted()]).toEqual([change, 0])
        await client.query('rollback to savepoint before')
      }
    } finally {
      await client.query('rollback')
      client.release()
    }
  })
})

describe('several at once', () => {
  it('of one execution, which finds many files where it expected none, are one look and one decision', async () => {
    const names = ['together-a.txt', 'together-b.txt', 'together-c.txt']
    for (const name of names) writeFileSync(join(under.workspace, name), 'before')
    const manifest = {
      name: 'together',
      tasks: names.map((path, index) => ({
        id: `t${index}`,
        action: { kind: 'file.write', kind_version: 1, input: { path, content: 'after' } },
      })),
    }
    const { execution_id: id } = await under.client.call(requestExecution, { manifest, mode: 'background' })
    const waiting = await until(
      async () => {
        const found = await pending(id)
        return found.length === names.length ? found : undefined
      },
      { what: 'a question for each file' },
    )
    expect(await deed('approve', id, '--yes', '--plan-hash', waiting[0]!.plan_hash)).toMatchObject({ code: 2 })
    const { code, stdout } = await deed('approve', id, '--yes')
    for (const { approval_id: one } of waiting) expect(stdout).toContain(`approval ${one}, level 1`)
    expect(stdout).toContain('+after')
    expect(code).toBe(0)
    expect(await endOf(id)).toMatchObject({ status: 'done' })
    for (const name of names) expect(readFileSync(join(under.workspace, name), 'utf8')).toBe('after')
  })

  it('are decided up to a level, each with its result, and never a step of level 3', async () => {
    const names = ['batch-a.txt', 'batch-b.txt']
    for (const name of names) writeFileSync(join(under.workspace, name), 'before')
    const small = await Promise.all(names.map((name) => begin(`overwrite ${name} with "after"`)))
    const [large, last] = await Promise.all([begin('run `true`'), begin('publish batched on the board')])
    const [levelTwo, levelThree] = await Promise.all([asked(large), asked(last)])
    const waiting = await Promise.all(small.map(asked))

    const { body } = await approver.ask('approval.decide-many.local.approver', {
      approvals: [levelThree, { ...levelTwo, plan_hash: 'another' }].map(({ approval_id, plan_hash }) => ({
        approval_id,
        plan_hash,
      })),
      decision: 'approve',
    })
    expect(body.results).toMatchObject([
      { approval_id: levelThree.approval_id, error: { code: 'invalid_request' } },
      { approval_id: levelTwo.approval_id, error: { code: 'approval_mismatch' } },
    ])
    const all = await deed('approve', '--all', '--level', '1', '--yes', '--as', 'approver', '--json')
    const { results } = JSON.parse(all.stdout) as { results: { approval_id: string; status: string }[] }
    for (const { approval_id } of waiting) {
      expect(results).toContainEqual(expect.objectContaining({ approval_id, status: 'used' }))
    }
    for (const id of small) expect(await endOf(id)).toMatchObject({ status: 'done' })
    expect(await pending(large)).toHaveLength(1)
    expect(await pending(last)).toHaveLength(1)
    await deed('deny', '--all', '--level', '2')
    expect((await endOf(large)).status).toBe('denied')
    expect((await deed('deny', last)).code).toBe(0)
    expect(notes).not.toContain('batched')
  })
})

describe('agreeing ahead', () => {
  const grant = async (...args: string[]): Promise<Grant> =>
    JSON.parse((await deed('grant', ...args, '--as', 'approver', '--json')).stdout) as Grant

  it('lets pass what it names and nothing else, on record, until it is taken back', async () => {
    mkdirSync(join(under.workspace, 'reports'))
    for (const name of ['reports/a.txt', 'reports-b.txt']) writeFileSync(join(under.workspace, name), 'before')
    const given = await grant(
      'file.write',
      '--path',
      'reports',
      '--user',
      'user',
      '--until',
      '1h',
      '--reason',
      'nightly',
    )
    const inside = await endOf(await begin('overwrite reports/a.txt with "after"'))
    expect(inside).toMatchObject({ status: 'done' })
    expect(inside.timeline.filter(({ type }) => type.startsWith('approval.'))).toMatchObject([
      { type: 'approval.decided', data: { by: 'approver', grant_id: given.grant_id } },
      { type: 'approval.used' },
    ])
    const { approvals } = await under.client.call(listApprovals, { execution_id: inside.execution_id })
    expect(approvals).toMatchObject([{ status: 'used', grant_id: given.grant_id, reason: 'nightly' }])

    const outside = await begin('overwrite reports-b.txt with "after"')
    expect(await asked(outside)).toMatchObject({ grant_id: null })
    await deed('deny', outside)
    const { grants } = await under.client.call(listGrants, {})
    expect(grants).toMatchObject([{ grant_id: given.grant_id, uses: 1, granted_by: 'approver' }])
    expect((await deed('get', 'grants')).stdout).toContain('in reports for user up to level 1')

    expect(await deed('revoke', given.grant_id, '--as', 'approver')).toMatchObject({ code: 0 })
    const again = await begin('overwrite reports/a.txt with "later"')
    await asked(again)
    await deed('deny', again)
    expect((await under.client.call(listGrants, {})).grants).toEqual([])
    expect((await under.client.call(listGrants, { all: true })).grants).toMatchObject([{ revoked_by: 'approver' }])
  })

  it('never reaches level 3, nor what its giver could not approve', async () => {
    await grant('http.request', '--target', 'board', '--level', '2')
    const id = await begin('publish granted on the board')
    expect(await asked(id)).toMatchObject({ level: 3, grant_id: null })
    await deed('deny', id)
    const bounds = { kind: 'command.run', input: { argv: ['true'] }, level: 2, expires_at: '2100-01-01T00:00:00Z' }
    expect((await operator.ask('grant.put.local.trainee', bounds)).body).toMatchObject({ code: 'forbidden' })
    expect((await operator.ask('grant.put', { ...bounds, input: undefined })).body).toMatchObject({
      code: 'missing_field',
    })
    expect((await operator.ask('grant.put', { ...bounds, level: 3 })).body).toMatchObject({ path: '$.level' })
    // By the requester, for an own plan of level 2.
    expect((await operator.ask('grant.put', bounds)).body).toMatchObject({ granted_by: 'user' })
    const own = await begin('run `true`')
    expect(await asked(own)).toMatchObject({ level: 2 })
    await deed('deny', own)
    // By somebody else.
    const other = await grant('command.run', '--input', 'argv=["true"]', '--level', '2')
    expect(await endOf(await begin('run `true`'))).toMatchObject({ status: 'done' })
    await deed('revoke', other.grant_id, '--as', 'approver')
  })
})

describe('a dry run', () => {
  /** Anchors and alerts of earlier work arrive by themselves. */
  const traces = async () => {
    const {
      'orchestrator.audit_anchors': _anchors,
      'orchestrator.alerts': _alerts,
      ...rows
    } = await countRowsAtRest(under.database)
    return { rows, files: readdirSync(under.workspace, { recursive: true }).sort() }
  }

  it.each(Object.entries(SAMPLES))('shows sample %s, and leaves nothing', async (name, { kind, undo }) => {
    const before = await traces()
    const { result } = await under.client.call(requestExecution, { task: `show sample ${name}`, dry_run: true })
    const { actions = [] } = (result?.data ?? {}) as { actions?: unknown[] }
    const step = SealedStep.parse(actions[0])
    expect(step.action.kind).toBe(kind)
    expect(step.reversibility).toBe(undo)
    if (undo !== null) expect(step.observes).not.toBeNull()
    expect(await traces()).toEqual(before)
  })

  it('says the levels that the real run then asks for', async () => {
    const tasks = ['write "1" to dry-new.txt', 'write "2" to dry-new.txt, then write "3" to dry-other.txt']
    const wanted = [[0], [1, 0]]
    for (const [index, task] of tasks.entries()) {
      const { result } = await under.client.call(requestExecution, { task, dry_run: true })
      const { actions = [] } = (result?.data ?? {}) as { actions?: unknown[] }
      expect(actions.map((step) => SealedStep.parse(step).level)).toEqual(wanted[index])
      const id = await begin(task)
      const levels = async () => (await detailOf(id)).tasks.flatMap(({ action, level }) => (action ? [level] : []))
      await expect.poll(levels).toEqual(wanted[index])
      if (index === 0) await endOf(id)
      else await under.client.call(cancelExecution, { execution_id: id })
    }
  })

  it('is shown as a plan that is to be agreed to', async () => {
    const { code, stdout } = await deed('run', '--dry-run', 'show sample ten')
    expect(code).toBe(0)
    expect(stdout).toMatch(/steps {5}1 step;.* no way back from step 1 on/)
    expect(stdout).toMatch(/kind: http\.request[\s\S]+ {5}proven by: .+\n {5}undo: CANNOT BE UNDONE/)
  })
})
