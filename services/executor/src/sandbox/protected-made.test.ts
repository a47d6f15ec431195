// A protected name below the root of the workspace cannot be kept from being made; what it then comes to is tried here.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'
import { chooseSandbox } from './choose-sandbox.ts'

const folder = mkdtempSync(join(tmpdir(), 'deed-protected-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { sandbox, missing } = await chooseSandbox({ mode: 'auto', dataFolder: folder, protectedFiles: [] })
const skipped = sandbox.confines ? '' : ` (SKIPPED, nothing confines here: ${missing.join('; ')})`

describe.skipIf(!sandbox.confines)(`a command that makes a protected name in a folder${skipped}`, () => {
  it.each([
    ['.git', 'mkdir -p sub/new/.git/hooks', 'sub/new/.git', /clone it below \/tmp/],
    ['.npmrc', 'mkdir sub/new; echo x > sub/new/.npmrc', 'sub/new/.npmrc', /write it yourself/],
  ])('as %s fails, says what to do instead, and all that it made is undone', async (_, script, made, advice) => {
    await using executor = await testExecutor('commands: { allow: [sh] }', {}, sandbox)
    mkdirSync(join(executor.root, 'sub'))
    writeFileSync(join(executor.root, 'sub/kept.txt'), 'as it was')
    const text = `${script}; echo changed > sub/kept.txt; echo x > sub/beside.txt`
    const work = await executor.dispatch({ kind: 'command.run', input: { argv: ['sh', '-c', text] } })
    const ran = await executor.attempt(work)
    expect(ran).toMatchObject({
      outcome: 'failed',
      error: { code: 'protected_path', message: expect.stringMatching(advice), details: { paths: [made] } },
    })
    expect(executor.read('sub/kept.txt')).toBe('changed\n')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(executor.read('sub/kept.txt')).toBe('as it was')
    expect(executor.read('sub/beside.txt')).toBeUndefined()
    expect(executor.read(made)).toBeUndefined()
    expect(executor.read('sub/new')).toBeUndefined()
  })
})
