/** What the mesh costs while nobody asks anything of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { benchMesh } from './bench-mesh.ts'
import { countCosts, cpuByProcess, cpuTotal, disturbance, memoryMb } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const idleMesh: Scenario = {
  name: 'mesh.idle',
  summary:
    'transactions, CPU and memory (PSS) of a mesh as `deed up` starts it that nobody asks (60 s unless --seconds says otherwise)',
  run: watchIdle,
}

const SECONDS = 60
/** What follows a start (pools, first heartbeats, statistics) has ended by then. */
const START_UP_MS = 3_000

async function watchIdle(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const bench = await benchMesh({ ...settings, together: true }, opened)
  const seconds = settings.secondsGiven ? settings.seconds : SECONDS
  await sleep(START_UP_MS)
  const ended = countCosts(bench.roots())
  const before = await transactions(bench.database)
  await sleep(seconds * 1000)
  // The reading before it is a transaction too, and not one of the mesh.
  const count = (await transactions(bench.database)) - before - 1
  const costs = ended()
  const cpu = cpuTotal(costs)
  const memory = memoryMb(bench.roots(), [await backendPid(bench.database)])
  const byProcess = Object.entries(memory ?? {}).sort(([, a], [, b]) => b - a)
  return [
    {
      scenario: idleMesh.name,
      seconds,
      transactions_per_second: rounded(count / seconds, 2),
      cpu_share_of_a_core: cpu === null ? null : rounded(cpu / seconds, 4),
      memory_mb:
        memory === null
          ? null
          : rounded(
              byProcess.reduce((sum, [, mb]) => sum + mb, 0),
              1,
            ),
      ...disturbance(costs),
      cpu_share_by_process: cpuByProcess(costs, seconds),
      memory_mb_by_process: Object.fromEntries(byProcess.map(([name, mb]) => [name, rounded(mb, 1)])),
    },
  ]
}

async function transactions(database: Client): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    'select sum(xact_commit + xact_rollback)::float8 as count from pg_stat_database',
  )
  return rows[0]?.count ?? 0
}

async function backendPid(database: Client): Promise<number> {
  const { rows } = await database.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}
