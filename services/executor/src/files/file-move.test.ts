import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import type { RequestScope } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import { type ExecutionId, LOCAL } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { inspectAction } from '../handlers/inspect-action.ts'

const move = (from: string, to: string, more: object = {}) => ({ kind: 'file.move', input: { from, to, ...more } })
const modeOf = ({ root }: TestExecutor, path: string) => statSync(join(root, path)).mode & 0o777

async function withFile(): Promise<TestExecutor> {
  const executor = await testExecutor()
  executor.write('a/x.sh', 'moved')
  chmodSync(join(executor.root, 'a/x.sh'), 0o750)
  return executor
}

describe('moving a file', () => {
  it('leaves it at the new name alone, and is undone without a trace', async () => {
    await using executor = await withFile()
    const work = await executor.dispatch(move('a/x.sh', 'b/c/y.sh'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect([executor.read('a/x.sh'), executor.read('b/c/y.sh')]).toEqual([undefined, 'moved'])
    expect(modeOf(executor, 'b/c/y.sh')).toBe(0o750)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('a/x.sh')).toBe('moved')
    expect(modeOf(executor, 'a/x.sh')).toBe(0o750)
    expect(existsSync(join(executor.root, 'b'))).toBe(false)
  })

  it.each([
    ['a file', 'a/x.sh', 'y.sh'],
    ['a folder', 'a', 'b'],
  ])('of %s that it has moved before finds it moved, and nothing to do', async (_, from, to) => {
    await using executor = await withFile()
    const done = await executor.dispatch(move(from, to))
    await executor.attempt(done)
    expect(await executor.run(move(from, to))).toMatchObject({ outcome: 'done', effect: 'none' })
    const inspect = inspectAction(executor.dependencies)
    const given = { execution_id: randomUUID() as ExecutionId, actions: [Action.parse(move(from, to))] }
    const scope = { principal: LOCAL, deadline: performance.now() + 60_000 } as RequestScope
    expect(await inspect(given, scope)).toMatchObject({ inspections: [{ inspection: { already_so: true } }] })
    // Not for what is done each time, for another move, nor once it is undone.
    for (const other of [{ ...move(from, to), already_so: 'run' as const }, move(from, to, { overwrite: true })])
      expect(await executor.run(other)).toMatchObject({ outcome: 'failed', error: { code: 'not_found' } })
    await executor.undo(done)
    renameSync(join(executor.root, from), join(executor.root, to))
    expect(await executor.run(move(from, to))).toMatchObject({ outcome: 'failed', error: { code: 'not_found' } })
  })

  it('does not take another file of the new name for the one that it has moved before', async () => {
    await using executor = await withFile()
    await executor.run(move('a/x.sh', 'y.sh'))
    executor.write('y.sh', 'another')
    expect(await executor.run(move('a/x.sh', 'y.sh'))).toMatchObject({
      effect: 'none',
      error: { code: 'not_found' },
    })
  })

  it('keeps what is at the new name, unless the action overwrites it; the undo brings it back', async () => {
    await using executor = await withFile()
    executor.write('y.sh', 'in the way')
    expect(await executor.run(move('a/x.sh', 'y.sh'))).toMatchObject({
      effect: 'none',
      error: { code: 'precondition_failed' },
    })
    const work = await executor.dispatch(move('a/x.sh', 'y.sh', { overwrite: true }))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('a/x.sh'), executor.read('y.sh')]).toEqual([undefined, 'moved'])
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect([executor.read('a/x.sh'), executor.read('y.sh')]).toEqual(['moved', 'in the way'])
  })

  it.each(['the undo', 'another attempt'])('is brought to an end by %s where it died half way', async (by) => {
    await using executor = await withFile()
    mkdirSync(join(executor.root, 'b'))
    const action = move('a/x.sh', 'b/y.sh')
    const work = await executor.dispatch(action)
    await executor.attempt(work)
    // The state between the two steps, of an attempt with an unknown outcome.
    linkSync(join(executor.root, 'b/y.sh'), join(executor.root, 'a/x.sh'))
    await executor.database.query('forget', 'update actions set outcome = null, effect = null', [])
    if (by === 'the undo') {
      expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
      expect([executor.read('a/x.sh'), executor.read('b/y.sh')]).toEqual(['moved', undefined])
    } else {
      expect(await executor.run(action, { after: work })).toMatchObject({ outcome: 'done' })
      expect([executor.read('a/x.sh'), executor.read('b/y.sh')]).toEqual([undefined, 'moved'])
    }
  })

  it('is not undone once somebody has changed the file, or taken it away', async () => {
    await using executor = await withFile()
    const work = await executor.dispatch(move('a/x.sh', 'y.sh'))
    await executor.attempt(work)
    executor.write('y.sh', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect([executor.read('a/x.sh'), executor.read('y.sh')]).toEqual([undefined, 'theirs'])
    renameSync(join(executor.root, 'y.sh'), join(executor.root, 'z.sh'))
    expect(await executor.undo({ ...work, token: (work.token + 1) as typeof work.token })).toMatchObject({
      error: { code: 'undo_conflict' },
    })
  })

  it.each([
    ['a/x.sh', '../y.sh', 'path_outside_workspace'],
    ['../x.sh', 'y.sh', 'path_outside_workspace'],
    ['a/x.sh', '.git/hooks/post-commit', 'protected_path'],
    ['.npmrc', 'y.sh', 'protected_path'],
    ['a', 'a/b', 'invalid_request'],
    ['a', 'stands', 'precondition_failed'],
    ['guarded', 'y', 'protected_path'],
    ['a/none', 'y.sh', 'not_found'],
    ['a/x.sh', 'a//x.sh', 'invalid_request'],
  ])('refuses %s to %s', async (from, to, code) => {
    await using executor = await withFile()
    executor.write('stands/x', 'theirs')
    executor.write('guarded/.git/config', '')
    expect(await executor.run(move(from, to))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect(executor.read('a/x.sh')).toBe('moved')
  })
})

describe('moving a folder', () => {
  it('takes all that is in it along, and is undone without a trace', async () => {
    await using executor = await withFile()
    chmodSync(join(executor.root, 'a'), 0o750)
    symlinkSync('x.sh', join(executor.root, 'a/link'))
    const work = await executor.dispatch(move('a', 'b/c'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(existsSync(join(executor.root, 'a'))).toBe(false)
    expect([executor.read('b/c/x.sh'), readlinkSync(join(executor.root, 'b/c/link'))]).toEqual(['moved', 'x.sh'])
    expect([modeOf(executor, 'b/c'), modeOf(executor, 'b/c/x.sh')]).toEqual([0o750, 0o750])
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('a/x.sh')).toBe('moved')
    expect(existsSync(join(executor.root, 'b'))).toBe(false)
  })

  it('is not undone once somebody has changed what is in it, until they have taken that back', async () => {
    await using executor = await withFile()
    const work = await executor.dispatch(move('a', 'b'))
    await executor.attempt(work)
    executor.write('b/theirs', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect([executor.read('b/x.sh'), executor.read('b/theirs')]).toEqual(['moved', 'theirs'])
    rmSync(join(executor.root, 'b/theirs'))
    const token = (work.token + 1) as typeof work.token
    expect(await executor.undo({ ...work, token })).toMatchObject({ outcome: 'done' })
    expect(executor.read('a/x.sh')).toBe('moved')
  })
})
