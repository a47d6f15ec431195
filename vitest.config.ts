/** Tests sit beside what they test. They start real servers, so few run at once and each may take its time. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['libs/embedded/src/vitest-setup.ts'],
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/.deed/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A server of its own for every file: more of them at once than this only makes each slower.
    maxWorkers: 2,
    // A test that finds its conditions missing must say so by failing, never by an empty run.
    passWithNoTests: false,
  },
})
