// The command as it is used: a child process with its output piped, on a whole mesh of real parts.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type DeedProcess, type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import type { Mesh } from '@deed/local/local-mesh'
import { until } from '@deed/process/until'
import { listApprovals } from '@deed/proto/approval'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ESCAPE = '\u001b'

let under: MeshUnderTest
let mesh: Mesh
let folder: string
let workspace: string

beforeAll(async () => {
  under = await meshUnderTest()
  mesh = under.mesh
  workspace = under.workspace
  folder = dirname(workspace)
})
afterAll(() => under?.[Symbol.asyncDispose]())

const start = (args: string[], env: Record<string, string> = {}): DeedProcess =>
  startDeed(mesh.dataDir, args, { cwd: folder, env })

const deed = (...args: string[]): Promise<Ended> => start(args).ended

/** What `--json` prints: one document, on one line. */
async function json<Document = Record<string, unknown>>(
  ...args: string[]
): Promise<{ code: number | null; document: Document }> {
  const { code, stdout } = await deed(...args, '--json')
  expect(stdout.split('\n')).toHaveLength(2)
  return { code, document: JSON.parse(stdout) as Document }
}

const bytesOf = (path: string): string => readFileSync(join(workspace, path), 'utf8')

/** The approval that a task waits for, once it does: asked over the bus, since each call of the command is a process. */
const approvalFor = (task: string): Promise<{ approval_id: string; execution_id: string }> =>
  until(
    async () => {
      const { approvals } = await under.client.call(listApprovals, { status: 'pending' })
      return approvals.find((approval) => approval.task === task)
    },
    { what: `an approval for ${task}` },
  )

describe('deed', () => {
  it('does a task, shows what proves it, and exits with 0', async () => {
    const { code, stdout, stderr } = await deed('run', 'write "one" to run.txt')
    expect(code).toBe(0)
    expect(bytesOf('run.txt')).toBe('one')
    expect(stdout).toMatch(/claimed {3}wrote 3 bytes to run.txt\n {2}observed .*SHA-256/)
    expect(stdout).toMatch(/\ndone {2}autonomous, /)
    expect(stdout + stderr).not.toContain(ESCAPE)
  })

  it('shows what the services write, and how much each writes is changed while they run', async () => {
    const { document: ran } = await json<{ execution_id: string }>('run', 'write "one" to logged.txt')
    const { document } = await json<{ log_levels: object[] }>('log-level', 'orchestrator', 'debug', '--for', '1h')
    expect(document.log_levels).toMatchObject([{ service: 'orchestrator', level: 'debug', until: expect.any(String) }])
    await json('get', 'executions')
    await until(async () => (await deed('logs', 'orchestrator', '--level', 'debug')).stdout.includes('request handled'))
    const { stdout } = await deed('logs', '-n', '1000', '--execution', ran.execution_id.slice(-8), '--json')
    for (const text of stdout.trimEnd().split('\n').filter(Boolean))
      expect(JSON.parse(text)).toMatchObject({ execution_id: ran.execution_id, instance: expect.any(String) })
    expect((await deed('log-level', 'orchestrator', 'info')).stdout).toMatch(/orchestrator +\S+ +info/)
    expect(await deed('logs', 'nothing')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there are console, executor'),
    })
  })

  it('lists and shows what it did, as text and as JSON', async () => {
    const { document: ran } = await json<{ execution_id: string }>('run', 'write "two" to shown.txt')
    const { execution_id: id } = ran
    expect(ran).toMatchObject({ status: 'done', metrics: { success: true } })

    const listed = await deed('get', 'executions', '--text', 'shown.txt', '--since', '1h')
    expect(listed.stdout.split('\n').filter((line) => line.includes(id))).toHaveLength(1)
    const { document: executions } = await json('get', 'executions', '--text', 'shown.txt')
    expect(executions).toMatchObject({ executions: [{ execution_id: id, success: true }] })
    const { document: tasks } = await json('get', 'tasks', '--execution', id)
    expect(tasks).toMatchObject({ tasks: [{ actual_status: 'done', evidence: { outcome: 'verified' } }] })

    const shown = await deed('show', id, '-v')
    expect(shown.stdout).toContain('└─ done write shown.txt  file.write')
    expect(shown.stdout).toMatch(/1 {2}\S+ +\+0 ms {2}execution\.accepted/)
    const { document: detail } = await json('show', id)
    expect(detail).toMatchObject({ execution_id: id, status: 'done', timeline: expect.any(Array) })
  })

  it('takes out of data what would act on the terminal', async () => {
    const task = `write "${ESCAPE}[2Jhello${ESCAPE}]0;owned\u0007" to escaped.txt`
    const { code, stdout } = await deed('run', '--key', 'escapes', task)
    expect(code).toBe(0)
    expect(bytesOf('escaped.txt')).toContain(`${ESCAPE}[2J`)
    const shown = await deed('show', '--key', 'escapes', '-v')
    expect(shown.stdout).toContain('task      write "\\u{1b}[2Jhello\\u{1b}]0;owned\\u{7}" to escaped.txt')
    expect(stdout + shown.stdout).not.toContain(ESCAPE)
  })

  it('waits for a decision made elsewhere, through the death of the orchestrator', async () => {
    writeFileSync(join(workspace, 'agreed.txt'), 'before')
    const task = 'write "after" to agreed.txt'
    const { output, ended } = start(['run', task])
    const { approval_id: id } = await approvalFor(task)
    await until(() => output().includes(`deed approve ${id}`), { what: 'the command to say what it waits for' })
    expect(bytesOf('agreed.txt')).toBe('before')
    await mesh.service('orchestrator').kill()
    await until(() => mesh.service('orchestrator').pid !== undefined, { what: 'another orchestrator' })
    const approved = await deed('approve', id, '--yes')
    expect(approved.code).toBe(0)
    expect(approved.stdout).toContain('path: agreed.txt')
    const { code } = await ended
    expect(code).toBe(0)
    expect(bytesOf('agreed.txt')).toBe('after')
    expect((await json('approve', id, '--yes')).code).toBe(2)
  })

  it('approves level 1 itself with --yes, and brings back the bytes on rollback', async () => {
    writeFileSync(join(workspace, 'yes.txt'), 'as it was')
    const { code, document } = await json<{ execution_id: string }>('run', '--yes', 'write "changed" to yes.txt')
    expect(code).toBe(0)
    expect(bytesOf('yes.txt')).toBe('changed')
    const { execution_id: id } = document
    const undone = await deed('rollback', id, '--reason', 'test')
    expect(undone.code).toBe(0)
    expect(undone.stdout).toContain('rolled_back')
    expect(bytesOf('yes.txt')).toBe('as it was')
  })

  it('exits with 1 when the plan is denied, and nothing is done', async () => {
    writeFileSync(join(workspace, 'denied.txt'), 'kept')
    const task = 'write "lost" to denied.txt'
    const { ended } = start(['run', '--json', task])
    const { execution_id: id } = await approvalFor(task)
    expect((await deed('deny', id, '--reason', 'not today')).code).toBe(0)
    const { code, stdout } = await ended
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ status: 'denied', error: { code: 'approval_denied' } })
    expect(bytesOf('denied.txt')).toBe('kept')
  })

  it('says its status at the time-out, and can cancel what continues', async () => {
    writeFileSync(join(workspace, 'late.txt'), 'kept')
    const { code, document } = await json<{ execution_id: string }>('run', '--timeout', '2', 'write "late" to late.txt')
    expect(code).toBe(1)
    expect(document).toMatchObject({ status: 'waiting', result: null })
    const { execution_id: id } = document
    expect((await json('cancel', id)).document).toMatchObject({ status: 'cancelled' })
    expect(bytesOf('late.txt')).toBe('kept')
  })

  it('resumes all that is paused, and ends with 0 though one of them waits for a person', async () => {
    writeFileSync(join(workspace, 'held.txt'), 'kept')
    const task = 'write "new" to held.txt'
    using _running = start(['run', task])
    const { execution_id: id } = await approvalFor(task)
    expect((await deed('pause', id.slice(-8))).code).toBe(0)
    const resumed = await json('resume', '--all')
    expect(resumed).toMatchObject({ code: 0, document: { results: [{ execution_id: id, status: 'waiting' }] } })
    expect((await deed('cancel', id)).code).toBe(0)
  })

  it('takes the end of an id, and shows it on a terminal in a table as wide as that', async () => {
    const { document } = await json<{ execution_id: string }>('run', 'write "x" to a/rather/long/name/of/a/file.txt')
    const short = document.execution_id.slice(-8)
    expect((await json('show', short)).document.execution_id).toBe(document.execution_id)
    expect((await json('get', 'tasks', '--execution', short)).document).toMatchObject({ tasks: [{}] })
    for (const what of ['executions', 'tasks', 'approvals']) {
      const { stdout } = await start(['get', what], { COLUMNS: '80' }).ended
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    }
    const { stdout } = await start(['get', 'executions', '--limit', '1'], { COLUMNS: '80' }).ended
    expect(stdout).toMatch(new RegExp(`^${short} +done `, 'm'))
    expect(await json('show', '0000')).toMatchObject({ code: 2, document: { error: { code: 'not_found' } } })
  })

  it('plans without doing for a dry run', async () => {
    const { code, stdout } = await deed('run', '--dry-run', 'write "x" to dry.txt')
    expect(code).toBe(0)
    expect(stdout).toContain('1. write dry.txt')
    expect((await json('get', 'executions', '--text', 'dry.txt')).document).toEqual({
      executions: [],
      next_cursor: null,
    })
  })

  it('hands in durably, and finds it again by key and by sequence', async () => {
    const args = ['submit', '--key', 'handed-in', 'write "x" to submitted.txt']
    const { code, document } = await json<{ sequence: number }>(...args)
    expect(code).toBe(0)
    const { sequence } = document
    const { document: again } = await json<{ sequence: number }>(...args)
    const found = await until(
      async () => {
        const { document } = await json('show', '--sequence', String(sequence))
        return document.status === 'done' ? document : undefined
      },
      { what: 'the end of what was handed in' },
    )
    expect((await json('show', '--key', 'handed-in')).document.execution_id).toBe(found.execution_id)
    const same = await until(async () => {
      const { code: status, document } = await json('show', '--sequence', String(again.sequence))
      return status === 0 ? document : undefined
    })
    expect(same.execution_id).toBe(found.execution_id)
    expect(bytesOf('submitted.txt')).toBe('x')
  })

  it('exits with 1 for what failed, 2 for what is refused, and says why', async () => {
    const failed = await json('run', 'restart service nosuch')
    expect(failed).toMatchObject({ code: 1, document: { status: 'failed', error: { code: 'unknown_target' } } })
    const refused = await json('run', '--workspace', 'nosuch', 'write "x" to a.txt')
    expect(refused).toMatchObject({ code: 2, document: { error: { code: 'unknown_workspace' } } })
    const missing = await json('show', '01997d0e-0000-7000-8000-000000000001')
    expect(missing).toMatchObject({ code: 2, document: { error: { code: 'not_found' } } })
    const wrong = [
      ['run'],
      ['nosuch'],
      ['run', '--language', 'nosuch', 'x'],
      ['show', 'x'],
      ['get', 'tasks', '--limit', '0'],
      ['drill', '--only', 'F99'],
    ]
    for (const { code, stderr } of await Promise.all(wrong.map((args) => deed(...args)))) {
      expect(code).toBe(2)
      expect(stderr).not.toBe('')
    }
  })

  it('exits with 3 where no mesh is reached', async () => {
    const nowhere = await start(['get', 'tasks'], { DEED_DATA_DIR: join(folder, 'empty') }).ended
    expect(nowhere).toMatchObject({ code: 3, stderr: expect.stringContaining('`deed up --detach`') })
    const dead = await start(['get', 'tasks', '--json'], { NATS_URL: 'nats://127.0.0.1:1' }).ended
    expect(dead.code).toBe(3)
    expect(JSON.parse(dead.stdout)).toMatchObject({ error: { code: 'unavailable' } })
    const { nats_url: url } = mesh.connection
    const stranger = await start(['get', 'tasks'], { NATS_URL: url, NATS_USER: 'deed', NATS_PASSWORD: 'wrong' }).ended
    expect(stranger.code).toBe(3)
  })

  it('reaches a mesh that the environment names', async () => {
    const { nats_url: NATS_URL, nats_user: NATS_USER = '', nats_password: NATS_PASSWORD = '' } = mesh.connection
    const env = { NATS_URL, NATS_USER, NATS_PASSWORD, DEED_DATA_DIR: join(folder, 'empty') }
    const { code, stdout } = await start(['get', 'executions', '--json'], env).ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toHaveProperty('executions')
  })

  it('tells how to connect, with secrets on demand', async () => {
    const { nats_password: password = '', database_url: database, nats_url: url } = mesh.connection
    const { stdout } = await deed('info')
    expect(stdout).toContain(url)
    expect(stdout).not.toContain(password)
    expect(stdout).not.toContain(new URL(database).password)
    const kept = JSON.parse(readFileSync(join(mesh.dataDir, 'mesh.json'), 'utf8'))
    const secrets = [password, kept.nats_system_login.pass, ...Object.values<string>(kept.users)]
    const masked = (await deed('info', '--json')).stdout
    for (const secret of secrets) expect(masked).not.toContain(secret)
    const { document } = await json('info', '--show-secrets')
    expect(document).toMatchObject({ nats_password: password, database_url: database })
  })

  it('explains every command with an example', async () => {
    const commands = [
      'up',
      'down',
      'run',
      'submit',
      'get',
      'show',
      'cancel',
      'approve',
      'deny',
      'grant',
      'revoke',
      'rollback',
      'info',
    ]
    const { stdout } = await deed('--help')
    for (const name of commands) expect(stdout).toMatch(new RegExp(`[ ,] ${name}\\b`))
    const helps = await Promise.all(commands.map((name) => deed(name, '--help')))
    for (const { code, stdout: text } of helps) {
      expect(code).toBe(0)
      expect(text).toMatch(/\nExamples?:\n {2}deed /)
    }
  })
})

describe('deed kinds', () => {
  it('lists what can be done, and shows one with the schema of its input and an example', async () => {
    const { code, stdout } = await deed('kinds')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^file\.patch +1 +change +reversible +apply a diff/m)
    const { document } = await json<{ input: { required: string[] }; example: object }>('kinds', 'file.move')
    expect(document.input.required).toEqual(['from', 'to'])
    expect(document.example).toMatchObject({ from: 'notes/today.md' })
    expect(await deed('kinds', 'file.fly')).toMatchObject({ code: 2 })
  })
})

describe('deed explain', () => {
  it('says how the words are understood, and does nothing', async () => {
    const { code, stdout } = await deed('explain', 'please crate the folder explained asap, thanks')
    expect(code).toBe(0)
    expect(stdout).toContain('understood as: make the folder explained')
    expect(stdout).toMatch(/^exact +declined +/m)
    expect(stdout).toMatch(/^files\/create-folder +make the folder explained +0\.\d+ +path: explained/m)
    expect(existsSync(join(workspace, 'explained'))).toBe(false)
    expect((await deed('explain', 'do not delete notes.txt')).stdout).toMatch(/nothing is done.*\nTry: /s)
  })

  it('gives the whole answer as JSON', async () => {
    const { document } = await json<object>('explain', 'create the folder explained')
    expect(document).toMatchObject({
      outcome: 'handled',
      explanation: {
        normalised: 'create the folder explained',
        stages: [{ stage: 'exact', outcome: 'handled' }, {}, {}, {}],
      },
    })
  })
})

describe('goals and schedules', () => {
  it('keeps what it did, looks after it, and lets it be', async () => {
    const { code, document } = await json<{ status: string; goal: Record<string, unknown> }>(
      ...['run', '--yes', 'write "kept" to kept.txt', '--keep', 'kept', '--every', '1s'],
    )
    expect(code).toBe(0)
    expect(document).toMatchObject({ status: 'done', goal: { name: 'kept', status: 'active', agreed_by: 'user' } })
    writeFileSync(join(workspace, 'kept.txt'), 'spoilt')
    await until(() => bytesOf('kept.txt') === 'kept', { what: 'the file as it was' })
    const listed = await deed('goal', 'list')
    expect(listed.stdout).toMatch(/^GOAL +STATUS +OBSERVED/)
    expect(listed.stdout).toMatch(/\nkept +active /)
    expect((await deed('goal', 'pause', 'kept')).stdout).toBe('kept  paused\n')
    expect((await deed('goal', 'delete', 'kept')).stdout).toBe('deleted kept\n')
    expect((await json('goal', 'put', 'never', 'is it so?', '--every', '500ms')).code).toBe(2)
    expect((await deed('goal', 'resume', 'kept')).code).toBe(2)
  })

  it('observes a goal at once that is put again, and ends well only where it is so', async () => {
    const put = ['goal', 'put', 'motd', 'write "hello" to motd.txt', '--every', '24h', '--yes']
    expect((await deed(...put)).code).toBe(0)
    for (const spoil of [() => rmSync(join(workspace, 'motd.txt')), () => undefined]) {
      spoil()
      const { code, document } = await json<{ last_outcome: string }>(...put)
      expect([code, document.last_outcome]).toEqual([0, 'holds'])
      expect(bytesOf('motd.txt')).toBe('hello')
    }
    expect((await deed('goal', 'delete', 'motd')).code).toBe(0)
  })

  it('puts a schedule, shows its next times, and deletes it', async () => {
    const put = ['schedule', 'put', 'nightly', 'write "x" to night.txt', '--timezone', 'Europe/Berlin']
    const { document } = await json<{ due: string[] }>(...put, '--cron', '30 2 * * *')
    expect(document.due).toHaveLength(3)
    const listed = await deed('schedule', 'list')
    expect(listed.stdout).toContain('nightly   30 2 * * * (Europe/Berlin)  in ')
    expect((await deed('schedule', 'pause', 'nightly')).stdout).toContain('paused')
    expect((await deed('schedule', 'delete', 'nightly')).stdout).toBe('deleted nightly\n')
    const refused = await deed(...put, '--cron', '30 24 * * *')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('"24" at character 4 is not a valid hour')
  })
})
