import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import { testExecutor } from '../../test/test-executor.ts'

const remove = (path: string) => ({ kind: 'file.delete', input: { path } })

describe('deleting a file', () => {
  it('leaves no file, and is undone to the byte and the mode', async () => {
    await using executor = await testExecutor()
    const bytes = `large ${'\u0000x'.repeat(40_000)}`
    executor.write('a/run.sh', bytes)
    chmodSync(join(executor.root, 'a/run.sh'), 0o750)
    const work = await executor.dispatch(remove('a/run.sh'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(existsSync(join(executor.root, 'a/run.sh'))).toBe(false)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('a/run.sh')).toBe(bytes)
    expect(statSync(join(executor.root, 'a/run.sh')).mode & 0o777).toBe(0o750)
  })

  it('does nothing where there is none', async () => {
    await using executor = await testExecutor()
    expect(await executor.run(remove('a.txt'))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
  })

  it('is not undone over a file that somebody has made since', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'mine')
    const work = await executor.dispatch(remove('a.txt'))
    await executor.attempt(work)
    executor.write('a.txt', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('a.txt')).toBe('theirs')
  })

  it('names where the old bytes are when it is not undone, and is undone once the other file is gone', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'mine')
    const work = await executor.dispatch(remove('a.txt'))
    await executor.attempt(work)
    executor.write('a.txt', 'theirs')
    const { error } = await executor.undo(work)
    const [kept] = (error?.details?.kept ?? []) as { path: string; file: string }[]
    expect(kept?.path).toBe('a.txt')
    expect(readFileSync(kept!.file, 'utf8')).toBe('mine')
    expect(error?.message).toContain(kept!.file)
    rmSync(join(executor.root, 'a.txt'))
    const token = (work.token + 1) as typeof work.token
    expect(await executor.undo({ ...work, token })).toMatchObject({ outcome: 'done' })
    expect(executor.read('a.txt')).toBe('mine')
  })

  it('cannot be undone where it is larger than what is kept, which is known before', async () => {
    await using executor = await testExecutor('rollback: { snapshot_max_mb: 0.1 }')
    executor.write('a.txt', 'x'.repeat(200_000))
    const work = await executor.dispatch(remove('a.txt'))
    await executor.attempt(work)
    const [row] = await executor.database.query('row', 'select reversibility from actions', [])
    expect(row).toEqual({ reversibility: 'irreversible' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'not_undoable' } })
  })

  it.each([
    ['../a.txt', 'path_outside_workspace'],
    ['.git/config', 'protected_path'],
    ['folder', 'not_a_regular_file'],
  ])('refuses %s', async (path, code) => {
    await using executor = await testExecutor()
    mkdirSync(join(executor.root, 'folder'))
    expect(await executor.run(remove(path))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect(existsSync(join(executor.root, 'folder'))).toBe(true)
  })
})

describe('deleting a folder', () => {
  const removeAll = (path: string) => ({ kind: 'file.delete', input: { path, recursive: true } })

  async function withFolder() {
    const executor = await testExecutor()
    executor.write('a/deep/x.txt', 'x')
    executor.write('a/run.sh', 'run')
    mkdirSync(join(executor.root, 'a/empty'))
    symlinkSync('../elsewhere', join(executor.root, 'a/link'))
    chmodSync(join(executor.root, 'a/run.sh'), 0o750)
    chmodSync(join(executor.root, 'a/deep'), 0o700)
    return executor
  }
  const asItWas = ({ root }: { root: string }) => {
    expect(readFileSync(join(root, 'a/deep/x.txt'), 'utf8')).toBe('x')
    expect(readlinkSync(join(root, 'a/link'))).toBe('../elsewhere')
    const modes = ['a/run.sh', 'a/deep', 'a/empty'].map((path) => statSync(join(root, path)).mode & 0o777)
    expect(modes).toEqual([0o750, 0o700, 0o755])
  }

  it('takes all that is in it, and is undone to names, modes, bytes and links', async () => {
    await using executor = await withFolder()
    const work = await executor.dispatch(removeAll('a'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(existsSync(join(executor.root, 'a'))).toBe(false)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    asItWas(executor)
  })

  it.each(['the undo', 'another attempt'])('is brought to an end by %s where it died half way', async (by) => {
    await using executor = await withFolder()
    const action = removeAll('a')
    const work = await executor.dispatch(action)
    await dies(executor, work, 'before_effect')
    rmSync(join(executor.root, 'a/deep'), { recursive: true })
    if (by === 'the undo') {
      expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
      asItWas(executor)
    } else {
      expect(await executor.run(action, { after: work })).toMatchObject({ outcome: 'done' })
      expect(existsSync(join(executor.root, 'a'))).toBe(false)
    }
  })

  it('is not undone over what somebody has put there since', async () => {
    await using executor = await withFolder()
    const work = await executor.dispatch(removeAll('a'))
    await executor.attempt(work)
    executor.write('a/deep/x.txt', 'theirs')
    const { error } = await executor.undo(work)
    expect(error).toMatchObject({
      code: 'undo_conflict',
      details: { kept: [{ path: 'a/deep/x.txt' }, { path: 'a/run.sh' }] },
    })
    expect(executor.read('a/deep/x.txt')).toBe('theirs')
    expect(existsSync(join(executor.root, 'a/run.sh'))).toBe(false)
  })

  it('cannot be undone where it is larger than what is kept', async () => {
    await using executor = await testExecutor('rollback: { snapshot_max_files: 2 }')
    for (const name of ['x', 'y', 'z']) executor.write(`a/${name}`, name)
    const work = await executor.dispatch(removeAll('a'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'not_undoable' } })
  })

  it.each([
    ['.', 'not_a_regular_file'],
    ['guarded', 'protected_path'],
    ['to-outside', 'path_outside_workspace'],
  ])('refuses %s', async (path, code) => {
    await using executor = await withFolder()
    executor.write('guarded/.git/config', '')
    mkdirSync(join(executor.root, '../outside'))
    writeFileSync(join(executor.root, '../outside/x'), 'x')
    symlinkSync('../outside', join(executor.root, 'to-outside'))
    expect(await executor.run(removeAll(path))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect(readFileSync(join(executor.root, '../outside/x'), 'utf8')).toBe('x')
  })
})
