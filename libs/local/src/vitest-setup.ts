/** Called by vitest before the first test file and after the last. */
import { dropClientVariables } from './client-environment.ts'
import { startTestRun } from './test-run.ts'

/** Vitest calls the setup of every project in one process: the first starts the run, and the others wait for it. */
const shared = globalThis as { deedTestRun?: Promise<AsyncDisposable> }

export default async function setup(): Promise<() => Promise<void>> {
  dropClientVariables()
  const first = shared.deedTestRun === undefined
  shared.deedTestRun ??= startTestRun()
  const run = await shared.deedTestRun
  return async () => {
    if (first) await run[Symbol.asyncDispose]()
  }
}
