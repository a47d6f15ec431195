/** What it costs to confine a command, compared with a plain start. */
import { percentile } from './load.ts'
import { countCosts, disturbance } from './process-costs.ts'
import { runProgram } from './run-program.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const sandboxCommand: Scenario = {
  name: 'sandbox.command',
  summary: 'run `true`: a plain spawn, the allow-list, and each sandbox that holds here',
  run: runCommands,
}

const PROGRAM = 'services/executor/src/sandbox/measure-commands.ts'

async function runCommands({ seconds, checkout }: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const ended = countCosts({})
  const printed = await runProgram(PROGRAM, [String(seconds)], { checkout }, opened)
  const meanwhile = disturbance(ended())
  const { ms } = printed as { ms: Record<string, number[]> }
  const medianOf = (times: readonly number[]) =>
    percentile(
      times.toSorted((a, b) => a - b),
      50,
    )
  return Object.entries(ms).map(([sandbox, times]) => {
    const sorted = times.toSorted((a, b) => a - b)
    return {
      scenario: sandboxCommand.name,
      sandbox,
      p50_ms: rounded(medianOf(times)),
      p95_ms: rounded(percentile(sorted, 95)),
      p99_ms: rounded(percentile(sorted, 99)),
      commands: times.length,
      ...meanwhile,
      above_spawn_ms: rounded(medianOf(times) - medianOf(ms.spawn ?? [])),
    }
  })
}
