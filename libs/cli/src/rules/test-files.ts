/** Runs the tests of rule packs with the agent's own code, as a process: without a mesh. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { type RulesTested, testRules } from '@deed/proto/rules'
import { RELEASE } from '../connect/project.ts'
import { UsageError } from '../terminal/exit-code.ts'

const SERVICE = join(RELEASE, 'services/hybrid-agent')
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** @param files none: those of the folder `RULES_DIR` @throws {UsageError} for a file that is not there */
export async function testFiles(
  files: readonly string[],
  { PATH, RULES_DIR }: NodeJS.ProcessEnv,
): Promise<RulesTested> {
  const missing = files.find((file) => !existsSync(file))
  if (missing !== undefined) throw new UsageError(`there is no file ${missing}`)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`src/test-rules${MODULE_EXTENSION}`, ...files.map((file) => resolve(file))],
    {
      cwd: SERVICE,
      env: { PATH, ...(RULES_DIR ? { RULES_DIR: resolve(RULES_DIR) } : {}) },
      maxBuffer: ANSWER_BYTES_MAX,
    },
  )
  return testRules.output.parse(JSON.parse(stdout))
}
