import { describe, expect, it } from 'vitest'
import { parseSummary } from './parse-summary.ts'

// As the tools print them.
describe('the summary of a test run', () => {
  it.each([
    ['TAP version 13\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP later\n1..3\n', 'tap', 1, 1, 1],
    ['# tests 3\n# suites 0\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 0\n# todo 0\n', 'node', 2, 1, 0],
    ['ℹ tests 4\nℹ pass 3\nℹ fail 0\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n', 'node', 3, 0, 1],
    // Of two files, one without a test.
    [
      '✔ adds (0.5ms)\n✔ shop.test.js (32.9ms)\nℹ tests 2\nℹ pass 2\nℹ fail 0\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0\n',
      ...(['node', 1, 0, 0] as const),
    ],
    [
      'TAP version 13\n# Subtest: adds\nok 1 - adds\n  ---\n  ...\n# Subtest: /p/shop.test.js\n# hello\nok 2 - /p/shop.test.js\n1..2\n# pass 2\n# fail 0\n',
      ...(['node', 1, 0, 0] as const),
    ],
    [
      '\u001b[2m Test Files \u001b[22m 1 failed | 4 passed (5)\n\u001b[2m      Tests \u001b[22m \u001b[31m1 failed\u001b[39m | 62 passed | 2 skipped (65)\n',
      ...(['vitest', 62, 1, 2] as const),
    ],
    ['Tests:       1 failed, 4 passed, 5 total\n', 'vitest', 4, 1, 0],
    ['====== 1 failed, 4 passed, 2 skipped, 1 error in 0.12s ======\n', 'pytest', 4, 2, 2],
    ['3 passed in 0.01s\n', 'pytest', 3, 0, 0],
    ['ok  \texample.com/a\t0.004s\nok  \texample.com/b\t(cached)\nFAIL\texample.com/c\t0.1s\nFAIL\n', 'go', 2, 1, 0],
    [
      '=== RUN   TestA\n--- PASS: TestA (0.00s)\n--- FAIL: TestB (0.00s)\n--- SKIP: TestC (0.00s)\nFAIL\n',
      'go',
      1,
      1,
      1,
    ],
    ['Finished in 0.03 seconds\n2 doctests, 5 tests, 1 failure, 1 skipped\n', 'exunit', 5, 1, 1],
    [
      'test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0',
      'cargo',
      6,
      0,
      1,
    ],
    ['TAP version 13\n1..3\nok 1 - a\nok 2 - b\n', 'tap', 2, 1, 0],
    ['TAP version 13\n1..2\nok 1 - a\nBail out! no disk\n', 'tap', 1, 1, 0],
    ['TAP version 13\n1..1\nok 1 - a\nBail out!\n', 'tap', 1, 1, 0],
    ['Tests:       1 failed, 5 total\nTests:       5 passed, 5 total\n', 'vitest', 5, 1, 0],
    ['== 1 failed, 2 passed in 0.1s ==\n== 3 passed in 0.2s ==\n', 'pytest', 5, 1, 0],
    ['3 tests, 1 failure\n4 tests, 0 failures\n', 'exunit', 6, 1, 0],
  ])('is read from %j', (output, format, passed, failed, skipped) => {
    expect(parseSummary(output)).toEqual({ format, passed, failed, skipped })
  })

  it.each(['', 'all good', 'ok', 'PASS', 'I passed 3 tests in 2s of work', 'building in 3.1s\n'])(
    'is not seen in %j',
    (output) => {
      expect(parseSummary(output)).toBeUndefined()
    },
  )
})
