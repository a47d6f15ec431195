/** Graphs of tasks of growing size: how long one takes to be accepted, and what a task of it costs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { requestExecution } from '@deed/proto/execution'
import type { Manifest } from '@deed/proto/manifest'
import type { z } from 'zod'
import { type BenchMesh, benchMesh } from './bench-mesh.ts'
import { costFigures, countCosts, cpuByProcess } from './process-costs.ts'
import { type Line, rounded, type Scenario } from './scenario.ts'

const SIZES = [100, 1_000, 10_000]
const SHAPES = ['fan', 'chain'] as const
type Shape = (typeof SHAPES)[number]
/** A task that takes longer than this on average is a failure of the scenario. */
const TASK_MS_MAX = 100

export const dagRun: Scenario = {
  name: 'dag.run',
  summary: 'manifests of 100, 1,000 and 10,000 folders to make: all at once, and one after the other',
  async run(settings, opened) {
    const bench = await benchMesh(settings, opened)
    const { nats_url: url, nats_user: user, nats_password: password } = bench.mesh.connection
    const bus = opened.use(await connectBus({ service: user ?? 'deed', url, user, password }))
    const runOne = async (shape: Shape, size: number): Promise<Line> => {
      const manifest = manifestOf(shape, size)
      const ended = countCosts(bench.roots())
      const from = performance.now()
      const { execution_id: id } = await bus.call(requestExecution, { manifest, mode: 'background' })
      const acceptedMs = performance.now() - from
      const planned = await times(bench, id, size * TASK_MS_MAX)
      const costs = ended()
      for (let index = 0; index < size; index++) {
        const path = join(bench.workspace, manifest.name, String(index))
        if (!existsSync(path)) throw new Error(`${path} was said to be made, and is not there`)
      }
      return {
        scenario: dagRun.name,
        per_second: rounded(size / (planned.runMs / 1000), 1),
        ...costFigures(costs, size),
        ...{ shape, tasks: size, accept_ms: rounded(acceptedMs, 1), plan_ms: rounded(planned.planMs, 1) },
        run_ms: rounded(planned.runMs, 1),
        cpu_by_process: cpuByProcess(costs, size / 1000),
      }
    }
    await runOne('fan', 10)
    const lines: Line[] = []
    for (const shape of SHAPES) for (const size of SIZES) lines.push(await runOne(shape, size))
    return lines
  },
}

function manifestOf(shape: Shape, size: number): z.input<typeof Manifest> {
  const name = `${shape}-${size}`
  return {
    name,
    tasks: Array.from({ length: size }, (_, index) => ({
      id: `t${index}`,
      action: { kind: 'dir.create', input: { path: `${name}/${index}` } },
      ...(shape === 'chain' && index > 0 ? { depends_on: [`t${index - 1}`] } : {}),
    })),
  }
}

/** From the rows: until it was planned, and from there to its end. */
async function times(
  { database }: BenchMesh,
  id: string,
  timeoutMs: number,
): Promise<{ planMs: number; runMs: number }> {
  const end = await until(
    async () => {
      const { rows } = await database.query<{ status: string; end: Date | null }>(
        `select status, finished_at as end from orchestrator.executions where execution_id = $1`,
        [id],
      )
      return rows[0]?.end ? rows[0] : undefined
    },
    { what: 'the end of a graph', timeoutMs },
  )
  if (end.status !== 'done') throw new Error(`the graph ended as ${end.status}`)
  const { rows } = await database.query<{ plan: number; run: number }>(
    `select extract(epoch from p.at - e.created_at)::float8 * 1000 as plan,
       extract(epoch from e.finished_at - p.at)::float8 * 1000 as run
       from orchestrator.executions e join orchestrator.audit_log p using (execution_id)
      where e.execution_id = $1 and p.type = 'execution.planned'`,
    [id],
  )
  return { planMs: rows[0]?.plan ?? Number.NaN, runMs: rows[0]?.run ?? Number.NaN }
}
