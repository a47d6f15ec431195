// What people ask for, in their words, on real parts, through the command; where it needs agreement, that comes from a
// second terminal.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { thisMachine } from '@deed/drill/harness/machine'
import type { MeshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { git } from '@deed/drill/truth/repositories'
import { until } from '@deed/process/until'
import { listApprovals } from '@deed/proto/approval'
import { requestExecution } from '@deed/proto/execution'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { query } from './inventory.ts'
import { type MatrixWorld, matrixWorld, server } from './matrix-world.ts'

const BROKEN = 'throw new Error("this release does not start")\n'

const HAS_GIT = thisMachine().has('git')
const WITHOUT_GIT = HAS_GIT ? '' : ' (SKIPPED: git is missing)'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let folder: string
let answers: MatrixWorld['answers']

beforeAll(async () => {
  const world = opened.use(await matrixWorld())
  ;({ under, folder, answers } = world)
  if (HAS_GIT) commit('first')
})
afterAll(() => opened.disposeAsync())

/** All that is in the workspace, as a person commits it. */
function commit(message: string): void {
  if (message === 'first') git(under.workspace, 'init', '-q')
  git(under.workspace, 'add', '.')
  git(under.workspace, 'commit', '-q', '-m', message)
}

interface Document {
  execution_id: string
  status: string
  method: string
  result: { text: string } | null
  metrics: { success: boolean; cache_hit: boolean }
  verification: { outcome: string; already_so?: boolean }[]
  error?: { code: string; message: string }
}

/** A terminal of its own. */
const deed = (...args: string[]): Promise<Ended> => startDeed(join(folder, 'data'), args, { cwd: folder }).ended

async function run(...args: string[]): Promise<{ code: number | null; document: Document }> {
  const { code, stdout, stderr } = await deed('run', '--json', ...args)
  if (stdout === '') throw new Error(`nothing was printed: ${stderr}`)
  return { code, document: JSON.parse(stdout) as Document }
}

interface Approval {
  approval_id: string
  level: number
  task: string
  actions: { title: string; summary: string }[]
}

/** What the second terminal is asked for next, once there is a question: each call is a process. */
async function asked(task: string): Promise<Approval> {
  const what = `the question whether to ${task}`
  const pending = async () => (await under.client.call(listApprovals, { status: 'pending' })).approvals
  await until(async () => (await pending()).some((approval) => approval.task === task), { what })
  const { stdout } = await deed('get', 'approvals', '--status', 'pending', '--json')
  const { approvals } = JSON.parse(stdout) as { approvals: Approval[] }
  const found = approvals.find((approval) => approval.task === task)
  if (!found) throw new Error(`the command does not show ${what}`)
  return found
}

const approve = async ({ approval_id: id }: Approval): Promise<string> => {
  const { code, stdout } = await deed('approve', id, '--yes')
  expect(code).toBe(0)
  return stdout
}

/** Asks at one terminal and agrees at another. @returns the end, and what was agreed to */
async function agreed(task: string, steps = 1): Promise<{ code: number | null; document: Document; seen: Approval[] }> {
  const running = run(task)
  const seen: Approval[] = []
  for (let step = 0; step < steps; step++) {
    const approval = await asked(task)
    seen.push(approval)
    await approve(approval)
  }
  return { ...(await running), seen }
}

describe('asked in plain words', () => {
  it('how many assets do we have? -- the real count by type', async () => {
    const { code, document } = await run('how many assets do we have?')
    expect(code).toBe(0)
    expect(document.result?.text).toBe('7 assets: 4 Windows workstation, 3 printer')
  })

  it('show server details for web-01 -- the real row', async () => {
    const { code, document } = await run('show server details for web-01')
    expect(code).toBe(0)
    expect(document.result?.text).toContain('10.0.0.7')
    expect(document.result?.text).not.toContain('10.0.0.8')
  })

  it('check disk space on this host -- real figures, which nobody has to agree to', async () => {
    const { code, document } = await run('check disk space on this host')
    expect(code).toBe(0)
    expect(document.result?.text).toMatch(/\d+%.* \//)
  })

  it.each<[string, RegExp | undefined]>([
    ['how much memory is free?', /^memory: .* of .* are available/],
    ['show me the logs of demo-api', /^the log of demo-api has no lines/],
    ['is anything listening on port 1?', /^no process listens on port 1$/],
    ['is https://127.0.0.1:1/ up?', undefined],
  ])('%s -- the answer of the system itself', async (words, text) => {
    const { code, document } = await run(words)
    expect(code === 0).toBe(text !== undefined)
    if (text === undefined) expect(JSON.stringify(document)).toContain('blocked_address')
    else expect(document.result?.text).toMatch(text)
  })

  it.skipIf(!HAS_GIT)(
    `git status, git log, revert the last commit -- by a new commit, after agreement${WITHOUT_GIT}`,
    async () => {
      expect((await run('git status')).document.result?.text).toMatch(/^on main at \w{12}: nothing has changed since/)
      writeFileSync(join(under.workspace, 'note.txt'), 'note\n')
      commit('second')
      expect((await run('show the last 1 commits')).document.result?.text).toMatch(/^\w{12} \S+ Ada: second$/)
      const { code, seen } = await agreed('revert the last commit')
      expect({ code, level: seen[0]?.level }).toEqual({ code: 0, level: 1 })
      expect(existsSync(join(under.workspace, 'note.txt'))).toBe(false)
      expect(git(under.workspace, 'log', '--format=%s')).toBe('Revert "second"\nsecond\nfirst')
      expect(git(under.workspace, 'status', '--porcelain')).toBe('')
    },
  )

  it('restart service demo-api -- a new process, healthy', async () => {
    expect((await agreed('start demo-api')).code).toBe(0)
    const before = await answers('demo-api')
    const { code, seen } = await agreed('restart service demo-api')
    expect(code).toBe(0)
    expect(seen[0]?.level).toBe(1)
    const after = await answers('demo-api')
    expect(after?.pid).toEqual(expect.any(Number))
    expect(after?.pid).not.toBe(before?.pid)
  })

  it('the test-service is down, fix it -- it runs; and when it does, nothing is done', async () => {
    expect(await answers('test-service')).toBeUndefined()
    const { code } = await agreed('The test-service is down, fix it')
    expect(code).toBe(0)
    const up = await answers('test-service')
    expect(up?.version).toBe(1)
    const again = await run('The test-service is down, fix it')
    expect(again.document.verification[0]).toMatchObject({ outcome: 'verified', already_so: true })
    expect((await answers('test-service'))?.pid).toBe(up?.pid)
  })

  it('create a NATS consumer for processing user events -- code on disk; level 1 where it overwrites', async () => {
    const words = 'Create a NATS consumer for processing user events'
    const asking = ['--language', 'elixir', '--target-file', 'lib/event_consumer.ex', words]
    expect((await run(...asking)).code).toBe(0)
    const file = join(folder, 'workspace/lib/event_consumer.ex')
    expect(readFileSync(file, 'utf8')).toContain('defmodule')
    writeFileSync(file, '# by hand\n')
    const running = run(...asking)
    const approval = await asked(words)
    expect(approval.level).toBe(1)
    await approve(approval)
    expect((await running).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('defmodule')
  })

  it('full health check -- every service is looked at, and nobody is asked', async () => {
    const { document } = await run('full health check')
    const names = ['demo-api', 'test-service', 'application']
    expect(document.verification).toHaveLength(names.length)
    for (const name of names) expect(JSON.stringify(document)).toContain(name)
  })
})

describe('asked about files', () => {
  const at = (path: string): string => join(under.workspace, path)

  it('reads, lists and searches them at once: what is in them is printed first, and nobody is asked', async () => {
    mkdirSync(at('logs'), { recursive: true })
    writeFileSync(at('notes.txt'), 'call the plumber\nDB_PASSWORD=hunter22\n')
    writeFileSync(at('logs/a.log'), 'started\nERROR: no paper\n')
    const printed = async (words: string): Promise<string> => (await deed('run', words)).stdout
    expect(await printed("what's in notes.txt?")).toMatch(/^call the plumber\nDB_PASSWORD=\[redacted\]\n/)
    expect(await printed('show the last 1 lines of logs/a.log')).toMatch(/^ERROR: no paper\n/)
    expect(await printed('list the files in logs')).toMatch(/^1 entry in logs\n +24 B .* logs\/a\.log\n/)
    expect(await printed('find error in logs')).toMatch(/^1 line in 1 file\nlogs\/a\.log:2: ERROR: no paper\n/)
    const { document } = await run('cat notes.txt')
    expect(document.result).toMatchObject({
      data: { path: 'notes.txt', encoding: 'utf-8', lines: 2, truncated: false },
    })
    expect(await printed('what is in note.txt?')).toContain('did you mean notes.txt?')
  })

  it('reads, lists and searches them for a client of NATS, which gets the data', async () => {
    const ask = async (action: object) =>
      (
        await under.client.call(requestExecution, {
          manifest: { name: 'files', tasks: [{ id: 'a', action }] },
        } as never)
      ).result?.data
    expect(await ask({ kind: 'file.read', input: { path: 'notes.txt', to: 1 } })).toMatchObject({
      content: 'call the plumber\n',
    })
    expect(await ask({ kind: 'file.list', input: { path: '*.txt' } })).toMatchObject({
      entries: [{ path: 'notes.txt' }],
    })
    expect(await ask({ kind: 'file.search', input: { regex: '^call .*r$' } })).toMatchObject({
      matches: [{ path: 'notes.txt', line: 1 }],
    })
  })

  it('changes them after approval of the lines that change, and brings them back', async () => {
    writeFileSync(at('notes.txt'), 'call the plumber\n')
    const edited = await agreed('replace "plumber" with "baker" in notes.txt')
    expect(edited.code).toBe(0)
    expect(edited.seen[0]).toMatchObject({ level: 1, actions: [{ diff: expect.stringContaining('+call the baker') }] })
    expect(readFileSync(at('notes.txt'), 'utf8')).toBe('call the baker\n')
    const added = await agreed('append "buy milk" to notes.txt')
    expect(added.code).toBe(0)
    expect(readFileSync(at('notes.txt'), 'utf8')).toBe('call the baker\nbuy milk\n')
    expect((await deed('rollback', added.document.execution_id, '--yes')).code).toBe(0)
    expect((await deed('rollback', edited.document.execution_id, '--yes')).code).toBe(0)
    expect(readFileSync(at('notes.txt'), 'utf8')).toBe('call the plumber\n')
    expect((await run('append "first" to new.txt')).code).toBe(0)
    expect(readFileSync(at('new.txt'), 'utf8')).toBe('first\n')
    const refused = await run('replace "nowhere" with "x" in notes.txt')
    expect(refused.document.error?.message).toContain('"nowhere" occurs 0 times in notes.txt, not once')
  })
})

describe('deploy the application', () => {
  const words = 'deploy the application'
  const release = (text: string): void => writeFileSync(join(folder, 'workspace/release/server.mjs'), text)

  it('shows the whole plan, runs in the background step by step, and ends when it answers', async () => {
    expect((await agreed('start application')).code).toBe(0)
    release(server(2))
    const accepted = await deed('submit', '--json', '--key', 'deploy-2', words)
    expect(accepted.code).toBe(0)
    const approval = await asked(words)
    expect(approval.level).toBe(2)
    expect(approval.actions.map(({ title }) => title)).toEqual([
      'stop what runs',
      'put the new release in its place',
      'start it, and see that it answers',
    ])
    expect(await answers('application')).toMatchObject({ version: 1 })
    const screen = await approve(approval)
    for (const { summary } of approval.actions) expect(screen).toContain(summary)
    await until(async () => (await answers('application'))?.version === 2, { what: 'the new release' })
  })

  it('brings the old release back, running, where the new one does not start', async () => {
    const before = readFileSync(join(folder, 'workspace/app/server.mjs'), 'utf8')
    release(BROKEN)
    const { code, document } = await agreed(words)
    expect(code).toBe(1)
    expect(document).toMatchObject({ status: 'rolled_back', metrics: { success: false } })
    expect(readFileSync(join(folder, 'workspace/app/server.mjs'), 'utf8')).toBe(before)
    expect(readFileSync(join(folder, 'workspace/release/server.mjs'), 'utf8')).toBe(BROKEN)
    expect(await answers('application')).toMatchObject({ version: 2 })
  })
})

describe('delete the database', () => {
  it('is agreed to step by step, each when the one before it is done, and named as final', async () => {
    const words = 'delete the database'
    const there = async (table: string): Promise<boolean> => {
      const at = new URL(under.mesh.connection.database_url)
      at.pathname = '/inventory'
      const [row] = await query(at.href, `select to_regclass('${table}') is not null as there`)
      return row?.there === true
    }
    const running = run(words)
    const first = await asked(words)
    expect(first).toMatchObject({ level: 3, actions: [{ title: 'drop the table of servers' }] })
    expect(await there('servers')).toBe(true)
    const screen = await approve(first)
    expect(screen).toMatch(/cannot be undone/)
    await until(async () => !(await there('servers')), { what: 'the first step' })

    const second = await asked(words)
    expect(second).toMatchObject({ level: 3, actions: [{ title: 'drop the table of assets' }] })
    expect(await there('assets')).toBe(true)
    const denied = await deed('deny', second.approval_id, '--reason', 'not this one')
    expect(denied.code).toBe(0)
    const { code, document } = await running
    expect(code).toBe(1)
    expect(document.metrics.success).toBe(false)
    expect(await there('assets')).toBe(true)
    expect(existsSync(join(folder, 'workspace'))).toBe(true)
  })
})
