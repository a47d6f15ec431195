/** Handing work in durably: the acknowledgement of the publish is the promise, and it is kept. */
import { until } from '@deed/process/until'
import { benchMesh, TRACED_RATIO } from './bench-mesh.ts'
import { startChild } from './child-process.ts'
import type { ClientJob, ClientMessage } from './client.ts'
import { costsBetween, cpuSeconds } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'
import { checkFiles } from './written-files.ts'

export const durableSubmit: Scenario = {
  name: 'execution.submit',
  summary: 'hand in files of 64 bytes to write, 256 without acknowledgement; each is written in the end',
  run: submitFiles,
}

const IN_FLIGHT = 256
const WARM_UP_MS_MAX = 1_000
/** Shorter than other scenarios: what is handed in has to be done, too. */
const SECONDS = 5
/** An execution that takes longer than this on average is a failure of the scenario. */
const EXECUTION_MS_MAX = 20

async function submitFiles(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const bench = await benchMesh(settings, opened)
  const client = opened.use(await startChild<ClientJob, ClientMessage>(new URL('./client.ts', import.meta.url)))
  const measureMs = (settings.secondsGiven ? settings.seconds : SECONDS) * 1000
  const warmUpMs = Math.min(measureMs, WARM_UP_MS_MAX)
  const run = 'submit'
  const { connection } = bench.mesh
  const before = cpuSeconds(bench.roots())
  client.send({ type: 'load', connection, work: 'submit', run, inFlight: IN_FLIGHT, warmUpMs, measureMs })
  const { warmUps } = await client.next('ready')
  client.send({ type: 'go' })
  const from = performance.now()
  const { count, seconds, mean_ms: _, ...latencies } = (await client.next('measured')).measured
  const accepted = warmUps + count
  await until(
    async () => {
      const { rows } = await bench.database.query<{ done: number }>(
        "select count(*)::int as done from orchestrator.executions where status = 'done'",
      )
      return rows[0]?.done === accepted || undefined
    },
    { timeoutMs: Math.max(30_000, accepted * EXECUTION_MS_MAX), what: `the end of ${accepted} executions` },
  )
  const doneMs = performance.now() - from
  checkFiles(bench.workspace, run, accepted)
  const cpu = costsBetween(before, cpuSeconds(bench.roots()), accepted / 1000)
  return [
    {
      scenario: durableSubmit.name,
      ...latencies,
      per_second: rounded(count / seconds, 1),
      cpu_s_per_1000: cpu.total === null ? null : rounded(cpu.total),
      executions: accepted,
      in_flight: IN_FLIGHT,
      done_after_ms: rounded(doneMs, 0),
      traced: TRACED_RATIO,
      cpu_by_process: cpu.byName,
    },
  ]
}
