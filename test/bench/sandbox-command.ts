/** What it costs to confine a command, beside starting it plainly. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { percentile } from './load.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const sandboxCommand: Scenario = {
  name: 'sandbox.command',
  summary: 'run `true`: a plain spawn, the allow-list, and each sandbox that holds here',
  run: runCommands,
}

const PROGRAM = fileURLToPath(new URL('../../services/executor/src/sandbox/measure-commands.ts', import.meta.url))

async function runCommands({ seconds }: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const child = spawn(process.execPath, [PROGRAM, String(seconds)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  opened.defer(async () => {
    child.kill('SIGTERM')
    await closed
  })
  const printed = await text(child.stdout)
  const [code] = await closed
  if (code !== 0) throw new Error(`the measurement ended with exit code ${code}`)
  const { ms } = JSON.parse(printed) as { ms: Record<string, number[]> }
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
      above_spawn_ms: rounded(medianOf(times) - medianOf(ms.spawn ?? [])),
    }
  })
}
