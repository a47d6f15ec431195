/** One PostgreSQL for all test files: each test gets a database of its own on it. */
import { dropClientVariables } from './client-environment.ts'
import { startPostgres } from './postgres.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Called by vitest before the first test file; what it returns is called after the last. */
export default async function setup(): Promise<() => Promise<void>> {
  dropClientVariables()
  const folder = temporaryFolder()
  const postgres = await startPostgres({ dataDir: folder.path, durable: false })
  process.env.DEED_TEST_DATABASE_URL = postgres.url
  return async () => {
    await postgres[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  }
}
