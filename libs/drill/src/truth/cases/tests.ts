/** Runs of tests: the exit code says that all is well, and the summary does not. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from '../case.ts'

const PASSED: readonly [string, string][] = [
  ['vitest', ' Test Files  1 passed (1)\\n      Tests  4 passed (4)\\n'],
  ['jest', 'Tests:       5 passed, 5 total\\n'],
  ['pytest', '===== 4 passed, 1 skipped in 0.12s =====\\n'],
  ['cargo', 'test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured\\n'],
  ['exunit', '5 tests, 0 failures\\n'],
  ['node', '# tests 3\\n# pass 3\\n# fail 0\\n# cancelled 0\\n# skipped 0\\n# todo 0\\n'],
  ['go', 'ok  \\texample.com/a\\t0.012s\\n'],
  ['go -v', '--- PASS: TestA (0.00s)\\nPASS\\nok  \\texample.com/a\\t0.012s\\n'],
  ['TAP', 'TAP version 13\\n1..2\\nok 1 - a\\nok 2 - b\\n'],
]

/** What a run prints that ends with 0, and yet shows no tests that passed. */
const NOT_PASSED: readonly [string, string][] = [
  ['vitest counts a failure', ' Test Files  1 failed (1)\\n      Tests  1 failed | 3 passed (4)\\n'],
  ['vitest runs no test', ' Test Files  0 passed (0)\\n      Tests  0 passed (0)\\n'],
  ['vitest skips all', '      Tests  4 skipped (4)\\n'],
  ['vitest finds no file', 'No test files found, exiting with code 0\\n'],
  ['jest counts a failure', 'Tests:       1 failed, 4 passed, 5 total\\n'],
  ['jest finds no tests', 'No tests found, exiting with code 0\\n'],
  ['jest skips all', 'Tests:       5 skipped, 5 total\\n'],
  ['pytest counts an error', '===== 4 passed, 1 error in 0.12s =====\\n'],
  ['pytest counts a failure', '===== 1 failed, 4 passed in 0.12s =====\\n'],
  ['pytest collects nothing', '===== no tests ran in 0.01s =====\\n'],
  ['pytest deselects all', '===== 4 deselected in 0.01s =====\\n'],
  ['cargo counts a failure', 'test result: FAILED. 3 passed; 1 failed; 0 ignored\\n'],
  [
    'the second binary of cargo fails',
    'test result: ok. 3 passed; 0 failed; 0 ignored\\ntest result: FAILED. 0 passed; 2 failed; 0 ignored\\n',
  ],
  ['cargo runs no test', 'test result: ok. 0 passed; 0 failed; 0 ignored\\n'],
  ['exunit counts a failure', '5 tests, 1 failure\\n'],
  ['exunit excludes all', '5 tests, 0 failures, 5 excluded\\n'],
  ['node counts a failure', '# tests 2\\n# pass 1\\n# fail 1\\n'],
  ['node cancels a test', '# tests 2\\n# pass 1\\n# fail 0\\n# cancelled 1\\n'],
  ['node runs no test', '# tests 0\\n# pass 0\\n# fail 0\\n'],
  ['go counts a failed test', '--- FAIL: TestA (0.00s)\\n--- PASS: TestB (0.00s)\\nFAIL\\n'],
  ['a package of go fails', 'ok  \\texample.com/a\\t0.012s\\nFAIL\\texample.com/b\\t0.010s\\n'],
  ['go has no test files', '?   \\texample.com/a\\t[no test files]\\n'],
  ['TAP has a line that is not ok', 'TAP version 13\\n1..2\\nok 1 - a\\nnot ok 2 - b\\n'],
  ['TAP skips all', 'TAP version 13\\n1..1\\nok 1 - a # SKIP later\\n'],
  ['TAP plans three tests and runs two', 'TAP version 13\\n1..3\\nok 1 - a\\nok 2 - b\\n'],
  ['TAP bails out', 'TAP version 13\\n1..2\\nok 1 - a\\nBail out! no disk\\n'],
  ['the run prints nothing', ''],
  ['the run says all good in its own words', 'All good!\\n'],
  [
    'a first suite passes and a second, after it, fails',
    'Tests:       5 passed, 5 total\\nTests:       1 failed, 5 total\\n',
  ],
  [
    'a first suite fails and a second, after it, passes',
    'Tests:       1 failed, 5 total\\nTests:       5 passed, 5 total\\n',
  ],
]

const testLies = NOT_PASSED.map(
  ([what, output]): Case => ({
    kind: 'test.run',
    says: `the exit code is 0, and ${what}`,
    make: () => ({
      actions: [{ kind: 'test.run', input: { argv: ['sh', '-c', `printf %b '${output}'`] } }],
      holds: () => false,
    }),
  }),
)

const testsPass = PASSED.flatMap(([what, output]): Case[] => [
  {
    kind: 'test.run',
    says: `the tests of ${what} pass`,
    make: () => ({
      actions: [{ kind: 'test.run', input: { argv: ['sh', '-c', `printf %b '${output}'`] } }],
      holds: () => true,
    }),
  },
])

const testsFail = PASSED.map(
  ([what, output]): Case => ({
    kind: 'test.run',
    says: `${what} says that all passed, and ends with 1`,
    make: () => ({
      actions: [{ kind: 'test.run', input: { argv: ['sh', '-c', `printf %b '${output}'; exit 1`] } }],
      holds: () => false,
    }),
  }),
)

const noTest: Case = {
  kind: 'test.run',
  says: "node's own runner counts a file in which no test ran",
  make({ root }) {
    writeFileSync(join(root, 'a.test.mjs'), 'process.exit(0)\n')
    return {
      actions: [{ kind: 'test.run', input: { argv: ['node', '--test', 'a.test.mjs'] } }],
      holds: () => false,
    }
  },
}

const ownTests: Case = {
  kind: 'test.run',
  says: "node's own runner passes a real test",
  make({ root }) {
    writeFileSync(join(root, 'a.test.mjs'), "import test from 'node:test'\ntest('adds', () => {})\n")
    return {
      actions: [{ kind: 'test.run', input: { argv: ['node', '--test', 'a.test.mjs'] } }],
      holds: () => readFileSync(join(root, 'a.test.mjs'), 'utf8').includes('adds'),
    }
  },
}

export const tests = { lies: [...testLies, ...testsFail, noTest], ordinary: [...testsPass, ownTests] }
