/** Tests sit beside what they test. They start real servers, so few run at once and each may take its time. */
import { defineConfig } from 'vitest/config'

const LEFT_OUT = ['**/node_modules/**', '**/.deed/**']
/** What takes a minute or more on a busy machine: `npm run test:long` runs these, and `npm test` the others. */
const LONG = ['**/*.long.test.ts']
/**
 * What is tried part by part, where nothing outlives a file: one process takes many of these files, so that what they
 * import is loaded once.
 */
const PARTS = [
  'proto/**/*.test.ts',
  'libs/{classifier,config,json,mesh,process,store,template,text,worker}/**/*.test.ts',
  'services/**/*.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: ['libs/local/src/vitest-setup.ts'],
    setupFiles: ['libs/local/src/vitest-worker.ts'],
    // A busy machine makes a test late, and not wrong: longer than what it waits for, of which each has a minute.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // Whole: a value in a title may be the reason why the test is skipped.
    taskTitleValueFormatTruncate: 0,
    // Of a test that passes, nothing but its name.
    silent: 'passed-only',
    // A mesh of its own for many files, which waits as often as it computes.
    maxWorkers: 3,
    // A test that finds its conditions missing must say so by failing, never by an empty run.
    passWithNoTests: false,
    projects: [
      { extends: true, test: { name: 'parts', include: PARTS, exclude: [...LEFT_OUT, ...LONG], isolate: false } },
      { extends: true, test: { name: 'whole', include: ['**/*.test.ts'], exclude: [...LEFT_OUT, ...PARTS, ...LONG] } },
      { extends: true, test: { name: 'long', include: LONG, exclude: LEFT_OUT } },
    ],
  },
})
