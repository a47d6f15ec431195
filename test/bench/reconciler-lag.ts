/** How soon what has become ready is given to a worker, while many executions are open. */
import { connectBus } from '@deed/mesh/bus'
import { requestExecution } from '@deed/proto/execution'
import { benchMesh, TRACED_RATIO } from './bench-mesh.ts'
import { load, percentile } from './load.ts'
import { costFigures, countCosts } from './process-costs.ts'
import { type Line, rounded, type Scenario } from './scenario.ts'

const OPEN = 200
const IN_FLIGHT = 4
const WARM_UP_MS_MAX = 2_000

export const reconcilerLag: Scenario = {
  name: 'reconciler.lag',
  summary: `from the end of a task to the lease of the one that waited for it, ${OPEN} executions being open`,
  async run(settings, opened) {
    const bench = await benchMesh(settings, opened)
    const { nats_url: url, nats_user: user, nats_password: password } = bench.mesh.connection
    const bus = opened.use(await connectBus({ service: user ?? 'deed', url, user, password }))
    for (let index = 0; index < OPEN; index++)
      await bus.call(requestExecution, { task: `ask a person to look at pump ${index}`, mode: 'background' })
    let number = 0
    const askForBoth = async (): Promise<void> => {
      const folder = `lag/${number++}`
      const task = `write "a" to ${folder}/a.txt, then write "b" to ${folder}/b.txt`
      const { status } = await bus.call(requestExecution, { task, mode: 'immediate' })
      if (status !== 'done') throw new Error(`${task} ended as ${status}`)
    }
    await load(IN_FLIGHT, Math.min(settings.seconds * 1000, WARM_UP_MS_MAX), askForBoth)
    const ended = countCosts(bench.roots())
    const { latencies } = await load(IN_FLIGHT, settings.seconds * 1000, askForBoth)
    const costs = ended()
    const { rows } = await bench.database.query<{ lag: number }>(
      `select greatest(0, extract(epoch from leased.at - a.finished_at) * 1000)::float8 as lag
         from orchestrator.desired_state d
         join orchestrator.audit_log leased on leased.task_id = d.task_id and leased.type = 'task.leased'
         join executor.actions a on a.task_id = any (d.dependencies)
        order by leased.at desc limit $1`,
      [latencies.length],
    )
    const { rows: open } = await bench.database.query<{ open: number }>(
      "select count(*)::int as open from orchestrator.executions where status = 'waiting'",
    )
    if (open[0]?.open !== OPEN) throw new Error(`${open[0]?.open} executions were open, not ${OPEN}`)
    const lags = rows.map(({ lag }) => lag).sort((a, b) => a - b)
    const line: Line = {
      scenario: reconcilerLag.name,
      ...{ p50_ms: rounded(percentile(lags, 50)), p95_ms: rounded(percentile(lags, 95)) },
      p99_ms: rounded(percentile(lags, 99)),
      ...costFigures(costs, latencies.length),
      ...{ executions: latencies.length, open: OPEN, in_flight: IN_FLIGHT, traced: TRACED_RATIO },
    }
    return [line]
  },
}
