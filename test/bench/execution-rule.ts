/** One verified single-action execution by a rule, from plain words to a file on disk. */
import { type BenchMesh, benchMesh, TRACED_RATIO } from './bench-mesh.ts'
import { startChild } from './child-process.ts'
import type { ClientJob, ClientMessage } from './client.ts'
import { hopsOf } from './hops.ts'
import { costsBetween, cpuSeconds } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'
import { checkFiles } from './written-files.ts'

export const sequentialRule: Scenario = {
  name: 'execution.rule.sequential',
  summary: 'write a file of 64 bytes, one execution at a time',
  run: (settings, opened) => writeFiles(sequentialRule.name, 1, settings, opened),
}

export const concurrentRule: Scenario = {
  name: 'execution.rule.concurrent64',
  summary: 'write files of 64 bytes, 64 executions in flight',
  run: (settings, opened) => writeFiles(concurrentRule.name, 64, settings, opened),
}

/** Services run for weeks: what is measured is code that is compiled. */
const WARM_UP_MS_MAX = 8_000

async function writeFiles(
  scenario: string,
  inFlight: number,
  settings: Settings,
  opened: AsyncDisposableStack,
): Promise<Line[]> {
  const bench = await benchMesh(settings, opened)
  const client = opened.use(await startChild<ClientJob, ClientMessage>(new URL('./client.ts', import.meta.url)))
  const measureMs = settings.seconds * 1000
  const warmUpMs = Math.min(measureMs, WARM_UP_MS_MAX)
  const run = `run-${inFlight}`
  client.send({ type: 'load', connection: bench.mesh.connection, work: 'write', run, inFlight, warmUpMs, measureMs })
  const { warmUps } = await client.next('ready')
  const trafficBefore = await trafficOf(bench)
  const before = cpuSeconds(bench.roots())
  client.send({ type: 'go' })
  const told = await client.next('measured')
  const { count, seconds, mean_ms, ...latencies } = told.measured
  const cpu = costsBetween(before, cpuSeconds(bench.roots()), count / 1000)
  const traffic = await trafficOf(bench)
  checkFiles(bench.workspace, run, warmUps + count)
  return [
    {
      scenario,
      ...latencies,
      per_second: rounded(count / seconds, 1),
      cpu_s_per_1000: cpu.total === null ? null : rounded(cpu.total),
      executions: count,
      in_flight: inFlight,
      traced: TRACED_RATIO,
      workers: { ...bench.workers },
      client_cpu_s_per_1000: rounded(told.cpuSeconds / (count / 1000)),
      commits_per_execution: rounded((traffic.commits - trafficBefore.commits) / count, 2),
      messages_per_execution: rounded((traffic.messages - trafficBefore.messages) / count, 2),
      cpu_by_process: cpu.byName,
      hops_ms: await hopsOf(bench.database, { run, warmUps, meanMs: mean_ms }),
    },
  ]
}

/** How often PostgreSQL gave out a transaction id, which only writing takes, and what NATS was sent. */
async function trafficOf({ database, mesh }: BenchMesh): Promise<{ commits: number; messages: number }> {
  const { rows } = await database.query<{ commits: number }>(
    'select pg_snapshot_xmax(pg_current_snapshot())::text::float8 as commits',
  )
  const { in_msgs: messages = 0 } = (await mesh.nats?.status('varz')) ?? {}
  return { commits: rows[0]?.commits ?? 0, messages }
}
