// What the report of all tests says of those that were skipped, failed, or failed and passed when run again.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { expect, it } from 'vitest'

const REPORT = resolve(import.meta.dirname, '../../.ci/report.mjs')
const REASON = 'this host has no program that would be needed (and no other one), however long the reason is'

interface Run {
  code: number
  /** By file, the outcome of each test by its title. A file without any has failed itself. */
  files: Record<string, Record<string, 'passed' | 'failed' | 'skipped'>>
}

/** What the report prints of runs by their names, and its exit code. */
function report(runs: Record<string, Run>, ...options: string[]): { lines: string[]; code: number | null } {
  using folder = temporaryFolder()
  for (const [name, { code, files }] of Object.entries(runs)) {
    const testResults = Object.entries(files).map(([file, tests]) => {
      const outcomes = Object.values(tests)
      const status = outcomes.includes('failed') || outcomes.length === 0 ? 'failed' : 'passed'
      const assertionResults = Object.entries(tests).map(([fullName, status]) => ({ fullName, status }))
      return { name: file, status, assertionResults }
    })
    writeFileSync(join(folder.path, `${name}.status`), String(code))
    writeFileSync(join(folder.path, `${name}.json`), JSON.stringify({ testResults }))
  }
  const { stdout, status } = spawnSync(process.execPath, [REPORT, folder.path, ...options], { encoding: 'utf8' })
  return { lines: stdout.split('\n').map((line) => line.trim()), code: status }
}

it.for([{ reason: REASON }])('a title has its values whole: $reason', ({ reason }, { task }) => {
  expect(task.name).toContain(reason)
})

it('the tests that are skipped for one reason are one line of the report', () => {
  const tests = {
    'it holds': 'passed',
    [`does not read (SKIPPED: ${REASON}) a file`]: 'skipped',
    [`does not write (skipped: ${REASON})`]: 'skipped',
    'does neither': 'skipped',
  } as const
  expect(report({ run: { code: 0, files: { 'a.test.ts': tests } } })).toEqual({
    lines: [
      ...['', 'skipped:', `2  ${REASON}`, '1  NO REASON in a.test.ts: does neither', ''],
      ...['1 passed, 0 failed, 3 skipped', ''],
    ],
    code: 0,
  })
})

const FIRST: Run = {
  code: 1,
  files: { 'a.test.ts': { one: 'passed', two: 'failed' }, 'b.test.ts': {}, 'c.test.ts': { three: 'passed' } },
}

it('the files in which something failed are those that are run again', () => {
  expect(report({ run: FIRST }, '--failed-files', 'run').lines).toEqual(['a.test.ts', 'b.test.ts', ''])
})

it('a test that fails once, and passes when it is run again, is counted as passed and named', () => {
  const again: Run = {
    code: 0,
    files: { 'a.test.ts': { one: 'passed', two: 'passed' }, 'b.test.ts': { four: 'passed' } },
  }
  expect(report({ run: FIRST, 'run.again': again })).toEqual({
    lines: [
      ...['', 'passed only when run again, alone:', 'a.test.ts: two', 'b.test.ts: the file itself'],
      ...['', '4 passed, 0 failed, 0 skipped', ''],
    ],
    code: 0,
  })
})

it('a test that fails twice has failed', () => {
  const again: Run = { code: 1, files: { 'a.test.ts': { one: 'passed', two: 'failed' }, 'b.test.ts': {} } }
  expect(report({ run: FIRST, 'run.again': again })).toEqual({
    lines: ['', 'failed:', 'a.test.ts: two', 'b.test.ts: the file itself', '', '2 passed, 2 failed, 0 skipped', ''],
    code: 1,
  })
})

it('what failed and was not run again to its end has failed', () => {
  expect(report({ run: FIRST, 'run.again': { code: 124, files: {} } })).toMatchObject({ code: 1 })
})

it('an error outside of every test has failed, in either run', () => {
  const passing: Run = {
    code: 1,
    files: { 'a.test.ts': { one: 'passed', two: 'passed' }, 'b.test.ts': { four: 'passed' } },
  }
  for (const runs of [{ run: passing }, { run: FIRST, 'run.again': passing }])
    expect(report(runs)).toMatchObject({ lines: expect.arrayContaining(['failed:']), code: 1 })
})
