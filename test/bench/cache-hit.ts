/** A question that was answered before, and proven then. */
import { benchMesh, TRACED_RATIO } from './bench-mesh.ts'
import { startChild } from './child-process.ts'
import type { ClientJob, ClientMessage } from './client.ts'
import { costsBetween, cpuSeconds } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const cacheHit: Scenario = {
  name: 'execution.cache_hit',
  summary: 'ask a database the same question, one at a time',
  run: askAgain,
}

/** Services run for weeks: what is measured is code that is compiled. */
const WARM_UP_MS_MAX = 8_000

async function askAgain(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const bench = await benchMesh(settings, opened)
  const client = opened.use(await startChild<ClientJob, ClientMessage>(new URL('./client.ts', import.meta.url)))
  const measureMs = settings.seconds * 1000
  const warmUpMs = Math.min(measureMs, WARM_UP_MS_MAX)
  const { connection } = bench.mesh
  client.send({ type: 'load', connection, work: 'ask', run: 'ask', inFlight: 1, warmUpMs, measureMs })
  await client.next('ready')
  const before = cpuSeconds(bench.roots())
  client.send({ type: 'go' })
  const { measured, misses } = await client.next('measured')
  const { count, seconds, mean_ms: _, ...latencies } = measured
  const cpu = costsBetween(before, cpuSeconds(bench.roots()), count / 1000)
  // An answer is kept for a while: now and then it is computed again. More than that, and this measures something else.
  if (misses > count / 100) throw new Error(`${misses} of ${count} answers did not come from the cache`)
  return [
    {
      scenario: cacheHit.name,
      ...latencies,
      per_second: rounded(count / seconds, 1),
      cpu_s_per_1000: cpu.total === null ? null : rounded(cpu.total),
      executions: count,
      misses,
      traced: TRACED_RATIO,
      cpu_by_process: cpu.byName,
    },
  ]
}
