import { chmodSync, existsSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@deed/json/canonical-json'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'

const copy = (from: string, to: string) => ({ kind: 'file.copy', input: { from, to } })
const modeOf = ({ root }: TestExecutor, path: string) => statSync(join(root, path)).mode & 0o777

async function withFile(): Promise<TestExecutor> {
  const executor = await testExecutor()
  executor.write('a/x.sh', 'copied')
  chmodSync(join(executor.root, 'a/x.sh'), 0o750)
  return executor
}

describe('copying a file', () => {
  it.each([
    ['to a name', 'b/c/y.sh', 'b/c/y.sh'],
    ['into a folder', 'b/c/', 'b/c/x.sh'],
  ])('%s leaves its bytes and mode at both names, and is undone without a trace', async (_, to, path) => {
    await using executor = await withFile()
    const work = await executor.dispatch(copy('a/x.sh', to))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { outcome: 'verified', facts: { bytes: 6, mode: '0750' } },
    })
    expect([executor.read('a/x.sh'), executor.read(path)]).toEqual(['copied', 'copied'])
    expect(modeOf(executor, path)).toBe(0o750)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('a/x.sh')).toBe('copied')
    expect(existsSync(join(executor.root, 'b'))).toBe(false)
  })

  it('finds a copy that is there already, and leaves it', async () => {
    await using executor = await withFile()
    await executor.run(copy('a/x.sh', 'y.sh'))
    expect(await executor.run(copy('a/x.sh', 'y.sh'))).toMatchObject({ outcome: 'done', effect: 'none' })
    chmodSync(join(executor.root, 'y.sh'), 0o600)
    expect(await executor.run(copy('a/x.sh', 'y.sh'))).toMatchObject({
      outcome: 'failed',
      error: { code: 'precondition_failed' },
    })
  })

  it.each([
    ['over another file', 'a/x.sh', 'other.txt', 'precondition_failed'],
    ['over itself', 'a/x.sh', 'a/x.sh', 'invalid_request'],
    ['onto the name of a folder', 'a/x.sh', 'a', 'precondition_failed'],
    ['of a folder', 'a', 'b', 'not_a_regular_file'],
    ['of what is not there', 'a/y.sh', 'b.sh', 'not_found'],
    ['of a link', 'link', 'b.sh', 'path_outside_workspace'],
    ['out of the workspace', 'a/x.sh', '../x.sh', 'path_outside_workspace'],
  ])('%s is refused, and nothing is changed', async (_, from, to, code) => {
    await using executor = await withFile()
    executor.write('other.txt', 'other')
    symlinkSync('a/x.sh', join(executor.root, 'link'))
    expect(await executor.run(copy(from, to))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect([executor.read('a/x.sh'), executor.read('other.txt')]).toEqual(['copied', 'other'])
    expect(existsSync(join(executor.root, 'b.sh'))).toBe(false)
  })

  it('of a file that has changed since somebody agreed is refused', async () => {
    await using executor = await withFile()
    const agreed = { ...copy('a/x.sh', 'y.sh'), expect_before: `sha256:${sha256('copied')}>absent` }
    executor.write('a/x.sh', 'changed')
    expect(await executor.run(agreed)).toMatchObject({ outcome: 'failed', effect: 'none' })
    expect(executor.read('y.sh')).toBeUndefined()
    executor.write('a/x.sh', 'copied')
    expect(await executor.run(agreed)).toMatchObject({ outcome: 'done', effect: 'made' })
  })
})
