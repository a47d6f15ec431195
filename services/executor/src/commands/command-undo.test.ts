import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@deed/process/until'
import { DeedError } from '@deed/proto/errors'
import { actionIdOf } from '@deed/worker/action-id'
import { expect, it } from 'vitest'
import { ALLOW, node, run, sandboxesHere } from '../../test/commands-in-sandboxes.ts'
import { testAttempt } from '../../test/test-attempt.ts'
import { testExecutor } from '../../test/test-executor.ts'
import { act } from '../attempt/act.ts'
import { openAttempt } from '../attempt/attempt.ts'
import { temporaryNameOf } from '../files/temporary-name.ts'
import { readTree, treeLimits } from '../files/tree.ts'
import { processesMarked } from '../processes/process-table.ts'

const { inEachSandbox } = await sandboxesHere()

inEachSandbox('undoing a command', (sandbox) => {
  it('brings the workspace back to the byte: names, modes, bytes and links', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { root, world } = executor
    executor.write('keep/a.txt', 'a')
    executor.write('change.txt', 'before')
    executor.write('gone.txt', 'gone')
    chmodSync(join(root, 'change.txt'), 0o640)
    symlinkSync('change.txt', join(root, 'link'))
    mkdirSync(join(root, 'empty'))
    const workspace = { root, base: [] }
    const before = (await readTree(workspace, world.blobs, { limits: treeLimits(world.config) })).hash
    const work = await executor.dispatch(
      node(`const fs = require('node:fs')
        fs.writeFileSync('change.txt', 'after'); fs.chmodSync('change.txt', 0o777); fs.unlinkSync('gone.txt')
        fs.unlinkSync('link'); fs.symlinkSync('keep', 'link'); fs.rmdirSync('empty'); fs.writeFileSync('empty', 'a file')
        fs.mkdirSync('new/deep', { recursive: true }); fs.writeFileSync('new/deep/x', 'x'); fs.rmSync('keep', { recursive: true })`),
    )
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', evidence: { facts: { exit_code: 0 } } })
    expect((await readTree(workspace, world.blobs, { limits: treeLimits(world.config) })).hash).not.toBe(before)
    // What others do meanwhile, elsewhere in the workspace, stays.
    executor.write('others.txt', 'others')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('others.txt')).toBe('others')
    rmSync(join(root, 'others.txt'))
    expect((await readTree(workspace, world.blobs, { limits: treeLimits(world.config) })).hash).toBe(before)
    expect(readlinkSync(join(root, 'link'))).toBe('change.txt')
    expect(statSync(join(root, 'change.txt')).mode & 0o777).toBe(0o640)
  })

  it('gives back to a file the names that it had, and no others', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { root } = executor
    executor.write('first', 'one')
    linkSync(join(root, 'first'), join(root, 'second'))
    executor.write('sub/other', 'two')
    linkSync(join(root, 'sub/other'), join(root, 'other'))
    const work = await executor.dispatch(
      node(`const fs = require('node:fs'); fs.writeFileSync('second', 'changed'); fs.rmSync('sub', { recursive: true })
        fs.linkSync('other', 'added')`),
    )
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('first')).toBe('changed')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    const file = (name: string) => `${executor.read(name)} in ${statSync(join(root, name)).ino}`
    expect(file('second')).toBe(file('first'))
    expect(file('sub/other')).toBe(file('other'))
    expect([executor.read('first'), executor.read('other'), executor.read('added')]).toEqual(['one', 'two', undefined])
    expect(['first', 'other'].map((name) => statSync(join(root, name)).nlink)).toEqual([2, 2])
  })

  it('leaves alone what somebody has changed since', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(run(['touch', 'made.txt']))
    await executor.attempt(work)
    executor.write('made.txt', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('made.txt')).toBe('theirs')
  })

  it('brings back what a command did whose attempt died', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('a.txt', 'before')
    const work = await executor.dispatch(node(`require('node:fs').writeFileSync('a.txt', 'after')`))
    const attempt = testAttempt(work)
    await act(attempt, executor.dependencies)
    expect(executor.read('a.txt')).toBe('after')
    // No outcome was written, so nobody knows what it changed.
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('a.txt')).toBe('before')
    expect(existsSync(join(executor.root, `.deed-${attempt.actionId}.tmp`))).toBe(false)
  })

  it('leaves alone what somebody has changed since its attempt died, and says so', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('own.txt', 'before')
    executor.write('mine.txt', 'mine')
    const work = await executor.dispatch(node(`require('node:fs').writeFileSync('own.txt', 'after')`))
    await act(testAttempt(work), executor.dependencies)
    // The times of files move in steps of up to 10 ms: in the same step nobody could say who has written.
    await sleep(20)
    executor.write('mine.txt', 'mine, changed')
    const undoing = await executor.dispatch(work.action, { after: work, intent: 'undo' })
    const conflict = { code: 'undo_conflict', message: expect.stringContaining('mine.txt') }
    expect(await executor.attempt(undoing)).toMatchObject({ outcome: 'failed', error: conflict })
    expect([executor.read('own.txt'), executor.read('mine.txt')]).toEqual(['after', 'mine, changed'])
    executor.write('mine.txt', 'mine')
    expect(await executor.undo(undoing)).toMatchObject({ outcome: 'done' })
    expect(executor.read('own.txt')).toBe('before')
  })

  it('that was stopped in the middle goes by what it had changed then, not by what anybody has since', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(
      node(`require('node:fs').writeFileSync('half', ''); setTimeout(() => {}, 60_000)`),
    )
    const attempt = testAttempt(work)
    const running = act(attempt, executor.dependencies)
    await until(() => executor.read('half') !== undefined)
    attempt.stop(new DeedError('cancelled', 'no longer wanted'))
    const stopped = await running
    expect(stopped).toMatchObject({ error: { code: 'cancelled' }, effect: 'unknown', after: { count: 1 } })
    if (stopped === 'stale') throw new Error('it may not act')
    const { tenant, token, intent } = work
    await executor.dependencies.ledger.writeOutcome({
      ...{ ...stopped, actionId: attempt.actionId },
      ...{ tenant, token, intent },
    })
    executor.write('mine', 'mine')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('half'), executor.read('mine')]).toEqual([undefined, 'mine'])
  })

  it('says that what was there is not kept, and is found done all the same', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch({ ...run(['touch', 'made']), verify: { kind: 'file', path: 'made' } })
    await act(testAttempt(work), executor.dependencies)
    rmSync(join(executor.world.dataFolder, 'snapshots'), { recursive: true })
    const again = await executor.dispatch(work.action, { after: work })
    expect(await executor.attempt(again)).toMatchObject({ outcome: 'done', evidence: { already_so: true } })
    expect(await executor.undo(again)).toMatchObject({ outcome: 'failed', error: { code: 'compensation_failed' } })
    expect(executor.read('made')).toBe('')
  })

  it('goes by the newest of its attempts', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const script = `const fs = require('node:fs'); fs.writeFileSync('first', '')
      if (fs.existsSync('go')) fs.writeFileSync('second', '')`
    const action = { ...node(script), verify: { kind: 'file' as const, path: 'second' } }
    const half = await executor.dispatch(action)
    expect(await executor.attempt(half)).toMatchObject({ outcome: 'failed', effect: 'made' })
    executor.write('go', '')
    const whole = await executor.dispatch(action, { after: half })
    await act(testAttempt(whole), executor.dependencies)
    expect([executor.read('first'), executor.read('second')]).toEqual(['', ''])
    expect(await executor.undo(whole)).toMatchObject({ outcome: 'done' })
    expect([executor.read('first'), executor.read('second'), executor.read('go')]).toEqual([undefined, undefined, ''])
  })
})

inEachSandbox('a command beside other actions', (sandbox) => {
  const slow = (name: string) =>
    node(
      `const fs = require('fs'); fs.writeFileSync('${name}', ''); setTimeout(() => fs.writeFileSync('${name}.end', ''), 700)`,
    )
  /** Runs until there is a file of that name with the ending `.go`. */
  const lasting = (name: string) =>
    node(`const fs = require('fs'); fs.writeFileSync('${name}', '');
      const poll = () => fs.existsSync('${name}.go') ? fs.writeFileSync('${name}.end', '') : setTimeout(poll, 20); poll()`)
  const other = { kind: 'file.write', input: { path: 'made/by/other', content: 'it' } }

  it('is undone without what they have written meanwhile', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(slow('own'))
    const running = executor.attempt(work)
    await until(() => executor.read('own') !== undefined)
    expect(await executor.run(other)).toMatchObject({ outcome: 'done' })
    expect(await running).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('own'), executor.read('own.end')]).toEqual([undefined, undefined])
    expect(executor.read('made/by/other')).toBe('it')
  })

  it('is undone without what they were about to put in place', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const temporary = temporaryNameOf(actionIdOf((await executor.dispatch(other)).task_id))
    executor.write(temporary, 'it')
    const work = await executor.dispatch(slow('own'))
    const running = executor.attempt(work)
    await until(() => executor.read('own') !== undefined)
    rmSync(join(executor.root, temporary))
    expect(await running).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('own'), executor.read(temporary)]).toEqual([undefined, undefined])
  })

  it('is undone without what they wrote after it had looked, however late its intent was', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const { ledger } = executor.dependencies
    const work = await executor.dispatch(run(['touch', 'own']))
    const attempt = testAttempt(work)
    // As if five seconds lay between the observation and the intent.
    const writeIntent: typeof ledger.writeIntent = async (intent) => {
      expect(await executor.run(other)).toMatchObject({ outcome: 'done' })
      await executor.database.query(
        'earlier',
        `update actions set finished_at = finished_at - interval '4 seconds'`,
        [],
      )
      return ledger.writeIntent({ ...intent, observedAt: intent.observedAt - 5_000 })
    }
    const conclusion = await act(attempt, { ...executor.dependencies, ledger: { ...ledger, writeIntent } })
    expect(conclusion).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('own'), executor.read('made/by/other')]).toEqual([undefined, 'it'])
  })

  it('is brought back after its attempt died, without what a command wrote that ran since', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(run(['touch', 'own']))
    await act(testAttempt(work), executor.dependencies)
    expect(await executor.run(run(['touch', 'theirs']))).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('own'), executor.read('theirs')]).toEqual([undefined, ''])
  })

  it('is undone with what it did to a file that another command had changed just before it', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const adding = (line: string) => node(`require('fs').appendFileSync('lines', '${line} ')`)
    await executor.run(adding('first'))
    const work = await executor.dispatch(adding('second'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', after: { count: 1 } })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('lines')).toBe('first ')
  })

  it('is told from others that died as well, in whatever order they are taken back or tried again', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const leaving = (name: string) => ({
      ...node(
        `const fs = require('node:fs'); fs.appendFileSync('${name}.runs', 'run'); fs.writeFileSync('${name}', '')`,
      ),
      verify: { kind: 'file' as const, path: `${name}.never` },
    })
    const dying = async (name: string) => {
      const work = await executor.dispatch(leaving(name))
      await act(testAttempt(work), executor.dependencies)
      await executor.database.query('over', 'delete from orchestrator.dispatch where task_id = $1', [work.task_id])
      return work
    }
    const seen = (name: string) => [executor.read(`${name}.runs`), executor.read(name)]
    const [first, second] = [await dying('a'), await dying('b')]
    const third = await dying('c')
    expect(await executor.undo(first)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect([seen('a'), seen('b'), seen('c')]).toEqual([
      [undefined, undefined],
      ['run', ''],
      ['run', ''],
    ])
    const again = await executor.dispatch(second.action, { after: second })
    expect(await executor.attempt(again)).toMatchObject({ outcome: 'failed', after: { count: 2 } })
    expect([seen('b'), seen('c')]).toEqual([
      ['run', ''],
      ['run', ''],
    ])
    expect(await executor.undo(third)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(await executor.undo(again)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(readdirSync(executor.root)).toEqual([])
  })

  it('keeps nothing of what it finds changed once its lease has expired', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const work = await executor.dispatch(lasting('own'))
    const attempt = openAttempt(work, actionIdOf(work.task_id), '')
    const running = act(attempt, executor.dependencies)
    await until(() => executor.read('own') !== undefined)
    // As after a freeze: nobody has looked at the clock since.
    attempt.extend(performance.now() - 1)
    executor.write('own.go', '')
    const conclusion = await running
    expect(conclusion).toMatchObject({ outcome: 'failed', effect: 'unknown', error: { code: 'lease_lost' } })
    expect(conclusion).toMatchObject({ after: undefined })
  })

  it('ends first the processes of attempts that have ended', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const forsaken = await executor.dispatch(lasting('forsaken'))
    const running = executor.attempt(forsaken)
    await until(() => executor.read('forsaken') !== undefined)
    await executor.database.query('over', 'delete from orchestrator.dispatch where task_id = $1', [forsaken.task_id])
    expect(await executor.run(run(['true']))).toMatchObject({ outcome: 'done' })
    expect(processesMarked(`DEED_ACTION=${actionIdOf(forsaken.task_id)}`)).toEqual([])
    await running
    expect(executor.read('forsaken.end')).toBeUndefined()
  })

  it('is undone with what it did to files that were written before it', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('older', 'before')
    const work = await executor.dispatch(node(`require('fs').writeFileSync('older', 'changed')`))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('older')).toBe('before')
  })
})
