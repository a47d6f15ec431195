/** Random renames in a real repository with tests: kept with passing tests and undone, or restored, each to the byte. */
import { runProgram } from './run-program.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

const PROGRAM = 'services/executor/test/random-renames.ts'
const RENAMES = 200

export const refactorRenames: Scenario = {
  name: 'refactor.renames',
  summary: `random renames in a repository with tests, ${RENAMES} or --rows: how many were kept, and that none was wrong`,
  run: runRenames,
}

async function runRenames({ checkout, rows = RENAMES }: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const from = performance.now()
  const { wrong, ...counts } = (await runProgram(PROGRAM, [String(rows)], { checkout }, opened)) as {
    wrong: string[]
    kept: number
    restored: number
    refused: number
  }
  if (wrong.length > 0) throw new Error(`${wrong.length} of ${rows} renames were wrong: ${wrong.join('; ')}`)
  const per_second = rounded(rows / ((performance.now() - from) / 1_000))
  return [{ scenario: refactorRenames.name, ...counts, right: rows, per_second }]
}
