// The whole executor as a process of its own, killed at each of its crash points, on a real NATS server and a real
// PostgreSQL. The test plays the orchestrator: it hands out tasks under rising tokens and takes the reports.
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { inspectAction } from '@deed/proto/action'
import type { ExecutionId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import type { TestExecutor } from '../test/test-executor.ts'
import { died, type TestMesh, testMesh } from '../test/test-mesh.ts'
import { git, HAS_GIT, withoutGit } from '../test/test-repository.ts'
import { processesMarked } from './processes/process-table.ts'

const leftBehind = (executor: TestExecutor) => readdirSync(executor.root).filter((name) => name.startsWith('.deed-'))

const CRASH_POINTS = [
  'executor.before_intent',
  'executor.after_intent',
  'executor.mid_effect',
  'executor.after_effect',
  'executor.after_verification',
  'executor.after_outcome',
  'executor.after_report',
]
const ALLOW = 'commands: { allow: [node] }'
/** A confined command ends with its executor, and sees nothing outside the workspace. */
const UNCONFINED = 'commands: { sandbox: none }'
/** Appends a line to a file that counts how often it has run. */
const APPEND = ['node', '-e', `require('node:fs').appendFileSync('witness', 'ran\\n')`]

describe('an executor that is killed', () => {
  it.each(CRASH_POINTS)('at %s: another one brings the file about, whole and once', async (point) => {
    await using mesh = await testMesh()
    mesh.inside.write('note.txt', 'old')
    const action = { kind: 'file.write', input: { path: 'note.txt', content: 'new' } }
    const first = await mesh.start(point)
    const work = await mesh.hand(action)
    await died(first)
    expect(['old', 'new']).toContain(mesh.inside.read('note.txt'))

    await mesh.host()
    const again = await mesh.hand(action, { after: work })
    expect(await mesh.reportOf(again)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(mesh.inside.read('note.txt')).toBe('new')
    expect(leftBehind(mesh.inside)).toEqual([])

    const undo = await mesh.hand(action, { after: again, intent: 'undo' })
    expect(await mesh.reportOf(undo)).toMatchObject({ outcome: 'done', intent: 'undo' })
    expect(mesh.inside.read('note.txt')).toBe('old')
  })

  it.each(CRASH_POINTS)('at %s: a command that is not idempotent has run once in the end', async (point) => {
    await using mesh = await testMesh(ALLOW)
    const verify = { kind: 'file', path: 'witness', exists: true } as const
    const action = { kind: 'command.run', input: { argv: APPEND }, verify }
    const first = await mesh.start(point)
    const work = await mesh.hand(action)
    await died(first)
    await mesh.host()
    const again = await mesh.hand(action, { after: work })
    expect(await mesh.reportOf(again)).toMatchObject({ outcome: 'done' })
    expect(mesh.inside.read('witness')).toBe('ran\n')
  })

  it('leaves an unconfined command running only until the next attempt begins, which takes back what it did', async () => {
    await using mesh = await testMesh(UNCONFINED)
    const script = `require('node:fs').appendFileSync('witness', 'ran\\n'); setTimeout(() => {}, 300000)`
    const action = { kind: 'command.run', input: { argv: ['node', '-e', script] } }
    const first = await mesh.start('executor.mid_effect')
    const work = await mesh.hand(action)
    await died(first)
    await until(() => mesh.inside.read('witness') !== undefined)
    const [old] = processesMarked(`HOME=${mesh.inside.root}`)
    expect(old).toBeDefined()

    await mesh.host()
    const again = await mesh.hand(action, { after: work })
    await until(() => processesMarked(`HOME=${mesh.inside.root}`).some(({ pid }) => pid !== old!.pid))
    expect(processesMarked(`HOME=${mesh.inside.root}`).map(({ pid }) => pid)).not.toContain(old!.pid)
    await until(() => mesh.inside.read('witness') === 'ran\n')
    // The orchestrator does not want it any more: the process ends, and the report says that there is doubt.
    mesh.stop.add(again.task_id)
    expect(await mesh.reportOf(again)).toMatchObject({
      outcome: 'failed',
      effect: 'unknown',
      error: { code: 'cancelled' },
    })
    expect(processesMarked(`HOME=${mesh.inside.root}`)).toEqual([])
  })

  it('in an undo: another one finishes it', async () => {
    await using mesh = await testMesh()
    mesh.inside.write('note.txt', 'old')
    const action = { kind: 'file.write', input: { path: 'note.txt', content: 'new' } }
    const first = await mesh.start('executor.in_compensate')
    const work = await mesh.hand(action)
    await mesh.reportOf(work)
    const undoing = await mesh.hand(action, { after: work, intent: 'undo' })
    await died(first)
    expect(mesh.inside.read('note.txt')).toBe('new')
    await mesh.host()
    const again = await mesh.hand(action, { after: undoing, intent: 'undo' })
    expect(await mesh.reportOf(again)).toMatchObject({ outcome: 'done', intent: 'undo' })
    expect(mesh.inside.read('note.txt')).toBe('old')
  })
})

describe.skipIf(!HAS_GIT)(`an executor that is killed while it reverts a commit${withoutGit}`, () => {
  const action = { kind: 'git.revert', input: {} }

  /** Of the second of two commits, which changes one file and makes another. */
  function twoCommits({ inside }: TestMesh): void {
    git(inside, 'init', '-q', '-b', 'main')
    for (const text of ['old', 'new']) {
      inside.write('note.txt', text)
      if (text === 'new') inside.write('made.txt', text)
      git(inside, 'add', '.')
      git(inside, 'commit', '-q', '-m', text)
    }
  }
  const subjects = ({ inside }: TestMesh) => git(inside, 'log', '--format=%s').split('\n')
  const status = ({ inside }: TestMesh) => git(inside, 'status', '--porcelain')

  it.each([...CRASH_POINTS, 'executor.mid_compensate:1'])(
    'at %s: another one makes one commit of it',
    async (point) => {
      await using mesh = await testMesh()
      twoCommits(mesh)
      const first = await mesh.start(point)
      const work = await mesh.hand(action)
      await died(first)
      await mesh.host()
      const again = await mesh.hand(action, { after: work })
      expect(await mesh.reportOf(again)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
      expect(subjects(mesh)).toEqual(['Revert "new"', 'new', 'old'])
      expect([mesh.inside.read('note.txt'), mesh.inside.read('made.txt'), status(mesh)]).toEqual(['old', undefined, ''])
    },
  )

  it.each(['executor.in_compensate', 'executor.mid_effect:2', 'executor.mid_compensate:3'])(
    'in its undo, at %s: another one finishes that',
    async (point) => {
      await using mesh = await testMesh()
      twoCommits(mesh)
      const first = await mesh.start(point)
      const work = await mesh.hand(action)
      expect(await mesh.reportOf(work)).toMatchObject({ outcome: 'done' })
      const undoing = await mesh.hand(action, { after: work, intent: 'undo' })
      await died(first)
      await mesh.host()
      const again = await mesh.hand(action, { after: undoing, intent: 'undo' })
      expect(await mesh.reportOf(again)).toMatchObject({ outcome: 'done', intent: 'undo' })
      expect(subjects(mesh)).toEqual(['new', 'old'])
      expect([mesh.inside.read('note.txt'), mesh.inside.read('made.txt'), status(mesh)]).toEqual(['new', 'new', ''])
    },
  )
})

describe('an executor that is killed while it undoes a command', () => {
  it.each(['mid_compensate:1', 'mid_compensate:4'])('at %s: another one finishes it', async (point) => {
    await using mesh = await testMesh(ALLOW)
    for (const name of ['changed', 'removed', 'replaced/inner']) mesh.inside.write(name, 'old')
    const script = `const fs = require('node:fs')
      fs.writeFileSync('changed', 'new'); fs.rmSync('removed'); fs.mkdirSync('made/deep', { recursive: true })
      fs.writeFileSync('made/deep/x', ''); fs.rmSync('replaced', { recursive: true }); fs.writeFileSync('replaced', '')`
    const action = { kind: 'command.run', input: { argv: ['node', '-e', script] } }
    const first = await mesh.start(`executor.${point}`)
    const work = await mesh.hand(action)
    expect(await mesh.reportOf(work)).toMatchObject({ outcome: 'done' })
    expect(mesh.inside.read('made/deep/x')).toBe('')
    const undoing = await mesh.hand(action, { after: work, intent: 'undo' })
    await died(first)
    await mesh.host()
    const again = await mesh.hand(action, { after: undoing, intent: 'undo' })
    expect(await mesh.reportOf(again)).toMatchObject({ outcome: 'done', intent: 'undo' })
    const names = readdirSync(mesh.inside.root, { recursive: true }).sort()
    expect(names).toEqual(['changed', 'removed', 'replaced', 'replaced/inner'])
    for (const name of ['changed', 'removed', 'replaced/inner']) expect(mesh.inside.read(name)).toBe('old')
  })
})

describe('an executor', () => {
  it('finishes and reports what it has in hand when it is told to end', async () => {
    await using mesh = await testMesh(ALLOW)
    const child = await mesh.start()
    const script = `require('node:fs').writeFileSync('started', ''); setTimeout(() => {}, 700)`
    const work = await mesh.hand({ kind: 'command.run', input: { argv: ['node', '-e', script] } })
    await until(() => mesh.inside.read('started') !== undefined)
    child.kill('SIGTERM')
    expect(await mesh.reportOf(work)).toMatchObject({ outcome: 'done' })
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
    expect(mesh.farewells.length).toBeGreaterThan(0)
  })

  it('does not act on a message that it meets after having been frozen, once another has the task', async () => {
    await using mesh = await testMesh(ALLOW)
    const frozen = await mesh.start()
    frozen.kill('SIGSTOP')
    const work = await mesh.hand({ kind: 'command.run', input: { argv: APPEND } })
    const again = await mesh.inside.dispatch(work.action, { after: work })
    await mesh.inside.attempt(again)
    frozen.kill('SIGCONT')
    // It has met the old message once it has taken and done the next one.
    const next = await mesh.hand({ kind: 'dir.create', input: { path: 'next' } })
    expect(await mesh.reportOf(next)).toMatchObject({ outcome: 'done' })
    expect(mesh.inside.read('witness')).toBe('ran\n')
    expect(mesh.reports.map(({ task_id }) => task_id)).toEqual([next.task_id])
  })

  it('ends its own older attempt when the task comes again under a newer token', async () => {
    await using mesh = await testMesh(UNCONFINED)
    const marker = join(mesh.inside.root, '..', 'marker')
    // The first time it says who it is, and hangs; the second time it ends. Whatever else ends the first one in the
    // meantime, it is known by then.
    const script = `const { existsSync, renameSync, writeFileSync } = require('node:fs')
      const marker = ${JSON.stringify(marker)}
      if (!existsSync(marker)) {
        writeFileSync(marker + '.new', String(process.pid)); renameSync(marker + '.new', marker)
        setTimeout(() => {}, 300000)
      }`
    const action = { kind: 'command.run', input: { argv: ['node', '-e', script] } }
    await mesh.host()
    const hanging = await mesh.hand(action)
    await until(() => existsSync(marker), { what: 'the first attempt to run' })
    const old = Number(readFileSync(marker, 'utf8'))
    const again = await mesh.hand(action, { after: hanging })
    expect(await mesh.reportOf(again)).toMatchObject({ outcome: 'done' })
    expect(processesMarked(`HOME=${mesh.inside.root}`).map(({ pid }) => pid)).not.toContain(old)
  })

  it('says what actions would meet and do, and changes nothing', async () => {
    await using mesh = await testMesh()
    mesh.inside.write('note.txt', 'one\ntwo\n')
    await mesh.host()
    const { inspections } = await mesh.orchestrator.call(inspectAction, {
      execution_id: crypto.randomUUID() as ExecutionId,
      actions: [
        { kind: 'file.write', input: { path: 'note.txt', content: 'one\nthree\n' } },
        { kind: 'file.write', input: { path: '../x', content: '' } },
      ],
    })
    expect(inspections).toMatchObject([
      {
        inspection: {
          effect: 'change',
          reversibility: 'reversible',
          already_so: false,
          summary: 'write 10 bytes to note.txt',
          diff: '--- a/note.txt\n+++ b/note.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+three',
        },
      },
      { error: { code: 'path_outside_workspace' } },
    ])
    expect(mesh.inside.read('note.txt')).toBe('one\ntwo\n')
  })
})
