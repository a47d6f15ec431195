import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'

const ALLOW = 'commands: { allow: [node, "true"] }'
const run = (argv: string[]) => ({ kind: 'test.run', input: { argv } })
const TESTS = `import test from 'node:test'
import { writeFileSync } from 'node:fs'
test('one', () => writeFileSync('left-behind.txt', 'x'))
test('two', () => {})
test('three', { skip: true }, () => {})
`

describe('running tests', () => {
  it('is done with the counts of a real run, and leaves the workspace as it was when it is undone', async () => {
    await using executor = await testExecutor(ALLOW)
    executor.write('a.test.mjs', TESTS)
    const work = await executor.dispatch(run(['node', '--test', 'a.test.mjs']))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      result: { text: '2 passed, 0 failed, 1 skipped', data: { exit_code: 0, tests: { passed: 2, skipped: 1 } } },
      evidence: { facts: { exit_code: 0, tests: { failed: 0 } } },
    })
    expect(executor.read('left-behind.txt')).toBe('x')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('left-behind.txt')).toBeUndefined()
  })

  it('fails, with the counts, when a test fails', async () => {
    await using executor = await testExecutor(ALLOW)
    executor.write('a.test.mjs', `${TESTS}test('four', () => { throw new Error('no') })\n`)
    const { outcome, error } = await executor.run(run(['node', '--test', 'a.test.mjs']))
    expect({ outcome, code: error?.code }).toEqual({ outcome: 'failed', code: 'verification_failed' })
    expect(error?.message).toContain('2 passed, 1 failed')
  })

  it('is no success when nobody can see that a test ran, or none did', async () => {
    await using executor = await testExecutor(ALLOW)
    expect(await executor.run(run(['true']))).toMatchObject({ outcome: 'failed', error: { code: 'unverified' } })
    expect(await executor.run(run(['node', '-e', 'console.log("# pass 0\\n# fail 0")']))).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed' },
    })
    executor.write('empty.test.mjs', 'console.log("hello")\n')
    const { error } = await executor.run(run(['node', '--test', 'empty.test.mjs']))
    expect(error?.message).toContain('no test ran')
    const lies = await executor.run(run(['node', '-e', 'console.log("# pass 3\\n# fail 1")']))
    expect(lies).toMatchObject({ outcome: 'failed', error: { code: 'verification_failed' } })
  })
})
