// What the report of all tests says of those that were skipped.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { expect, it } from 'vitest'

const REPORT = resolve(import.meta.dirname, '../../.ci/report.mjs')
const REASON = 'this host has no program that would be needed (and no other one), however long the reason is'

it.for([{ reason: REASON }])('a title has its values whole: $reason', ({ reason }, { task }) => {
  expect(task.name).toContain(reason)
})

it('the tests that are skipped for one reason are one line of the report', () => {
  using folder = temporaryFolder()
  const titled = (fullName: string) => ({ fullName, status: 'skipped' })
  const assertionResults = [
    ...[{ fullName: 'it holds', status: 'passed' }, titled(`does not read (SKIPPED: ${REASON}) a file`)],
    ...[titled(`does not write (skipped: ${REASON})`), titled('does neither')],
  ]
  writeFileSync(join(folder.path, 'run.status'), '0')
  writeFileSync(
    join(folder.path, 'run.json'),
    JSON.stringify({ testResults: [{ name: 'a.test.ts', status: 'passed', assertionResults }] }),
  )
  const printed = execFileSync(process.execPath, [REPORT, folder.path], { encoding: 'utf8' })
  expect(printed.split('\n').map((line) => line.trim())).toEqual([
    ...['', 'skipped:', `2  ${REASON}`, '1  NO REASON in a.test.ts: does neither', ''],
    ...['1 passed, 0 failed, 3 skipped', ''],
  ])
})
