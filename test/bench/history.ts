/** What a long history and many open executions cost: each list and search, the pass over what is due, and an execution. */
import { type Bus, connectBus } from '@deed/mesh/bus'
import { readResyncState } from '@deed/orchestrator/store/agents'
import { claimDue } from '@deed/orchestrator/store/due'
import type { Schema } from '@deed/orchestrator/store/schema'
import { listApprovals } from '@deed/proto/approval'
import { executionStats, getExecution, listExecutions, requestExecution, watchExecution } from '@deed/proto/execution'
import { findId } from '@deed/proto/find-id'
import { listTasks } from '@deed/proto/task'
import { openStore } from '@deed/store/database'
import { createLogger } from '@deed/telemetry/logger'
import { type BenchMesh, benchMesh } from './bench-mesh.ts'
import { load, percentile } from './load.ts'
import { costFigures, countCosts, cpuByProcess, cpuTotal, disturbance } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'
import { seedHistory } from './seed-history.ts'
import { warmUp } from './warm-up.ts'
import { contentOf, pathOf } from './written-files.ts'

const ROWS = 10_000
/** Of the executions that have ended, so many are open besides: for the lists, and then for the pass. */
const OPEN_PART = 0.001
const MANY_OPEN_PART = 0.1
/** What reads the open ones. */
const OF_OPEN = ['list.newest', 'list.failed', 'list.waiting', 'list.running', 'stats', 'tasks.open', 'watch']
const CALLS = 60
const WARM_UP_CALLS = 5
const IN_FLIGHT = 16
/** As many before as after, whatever the time: what a checkpoint adds to the WAL depends on it. */
const EXECUTIONS_PER_SECOND = 100
const PASS = 'history.pass'

export const history: Scenario = {
  name: 'history',
  summary: `lists, search, statistics, the pass and an execution after ${ROWS.toLocaleString('en')} executions, or --rows`,
  run: measureHistory,
}

async function measureHistory(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const bench = await benchMesh(settings, opened)
  const { nats_url: url, nats_user: user, nats_password: password } = bench.mesh.connection
  const bus = opened.use(await connectBus({ service: user ?? 'deed', url, user, password }))
  const rows = settings.rows ?? ROWS
  const open = Math.round(rows * OPEN_PART)
  const manyOpen = Math.round(rows * MANY_OPEN_PART)
  const like = await write(bus, 'first', 0)
  const measured = settings.seconds * EXECUTIONS_PER_SECOND
  const warm = await warmUp([{ warm: warming(bench, bus) }], settings.seconds)
  const before = [await passOf(bench), await idleOf(bench), await writeMany(bench, bus, 'before', measured)]
  const from = performance.now()
  await seedHistory(bench.database, like, { ended: rows, open })
  const seeded = { rows, open, seeded_s: rounded((performance.now() - from) / 1000, 0) }
  const lines: Line[] = []
  const calls = Object.entries(await callsOf(bench, bus))
  for (const [name, call] of calls) lines.push({ scenario: `history.${name}`, ...(await timed(call)), ...seeded })
  const execution = await writeMany(bench, bus, 'after', measured)
  await seedHistory(bench.database, like, { ended: 0, open: manyOpen }, rows + open)
  for (const [name, call] of calls.filter(([name]) => OF_OPEN.includes(name)))
    lines.push({ scenario: `history.open.${name}`, ...(await timed(call)), rows, open: open + manyOpen })
  const after = [await passOf(bench), await idleOf(bench), execution]
  for (const [index, line] of after.entries()) {
    const first = before[index] ?? line
    const compared = (['p50_ms', 'cpu_s_per_1000', 'wal_bytes', 'postgres_ms_per_second'] as const).flatMap((name) => {
      const [was, is] = [first[name], line[name]]
      return typeof was === 'number' && typeof is === 'number' && was > 0
        ? [[`${name}_before`, was] as const, [`${name}_ratio`, rounded(is / was, 2)] as const]
        : []
    })
    lines.push({
      ...line,
      ...Object.fromEntries(compared),
      rows,
      open: line === execution ? open : open + manyOpen,
      ...warm,
    })
  }
  return lines
}

async function callsOf({ database }: BenchMesh, bus: Bus): Promise<Record<string, () => Promise<unknown>>> {
  const { rows: some } = await database.query<{ id: string }>(
    `select execution_id::text as id from orchestrator.executions where idempotency_key like 'seed-%' order by random() limit 100`,
  )
  const any = (): string => some[Math.floor(Math.random() * some.length)]?.id ?? ''
  const list = (by: object) => () => bus.call(listExecutions, { limit: 50, ...by })
  const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString()
  return {
    'list.newest': list({}),
    'list.done': list({ status: 'done' }),
    'list.failed': list({ status: 'failed' }),
    'list.denied_cached': list({ status: 'denied', method: 'cached' }),
    'list.rolled_back': list({ status: 'rolled_back' }),
    'list.waiting': list({ status: 'waiting' }),
    'list.running': list({ status: 'running' }),
    'list.method': list({ method: 'llm_assisted' }),
    'list.template': list({ template: 'template-30' }),
    'list.template_failed': list({ template: 'template-20', status: 'failed' }),
    'list.until': list({ until: ago(7) }),
    'list.since': list({ since: ago(1 / 24) }),
    'list.cursor': () => bus.call(listExecutions, { limit: 50, cursor: any() as never }),
    'list.text_common': list({ text: 'write "report' }),
    'list.text_number': () => list({ text: `report ${Math.floor(Math.random() * 10_000)}"` })(),
    'list.text_folder': () => list({ text: `reports/${Math.floor(Math.random() * 1_000)}/line-` })(),
    'list.text_none': list({ text: 'boiler' }),
    'list.text_short': list({ text: 'zq' }),
    stats: () => bus.call(executionStats, {}),
    'stats.since_week': () => bus.call(executionStats, { since: ago(7) }),
    'stats.since_hour': () => bus.call(executionStats, { since: ago(1 / 24) }),
    get: () => bus.call(getExecution, { execution_id: any() as never }),
    'get.key': () => bus.call(getExecution, { idempotency_key: `seed-${1 + Math.floor(Math.random() * some.length)}` }),
    watch: () => bus.call(watchExecution, { since: ago(1 / 1440) }),
    'watch.one': () => bus.call(watchExecution, { execution_id: any() as never }),
    'tasks.newest': () => bus.call(listTasks, {}),
    'tasks.open': () => bus.call(listTasks, { open: true }),
    'tasks.failed': () => bus.call(listTasks, { status: 'failed' }),
    'tasks.skipped': () => bus.call(listTasks, { status: 'skipped' }),
    'tasks.of_one': () => bus.call(listTasks, { execution_id: any() as never }),
    approvals: () => bus.call(listApprovals, {}),
    'approvals.pending': () => bus.call(listApprovals, { status: 'pending' }),
    find_id: () => bus.call(findId, { ending: any().slice(-8), of: ['execution', 'task', 'approval', 'grant'] }),
  }
}

async function timed(call: () => Promise<unknown>) {
  for (let number = 0; number < WARM_UP_CALLS; number++) await call()
  const latencies: number[] = []
  for (let number = 0; number < CALLS; number++) {
    const from = performance.now()
    await call()
    latencies.push(performance.now() - from)
  }
  return percentiles(latencies)
}

function percentiles(latencies: number[]) {
  latencies.sort((a, b) => a - b)
  const at = (percent: number): number => rounded(percentile(latencies, percent))
  return { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) }
}

/** The statements of one pass, by a replica of their own; nothing is due. */
async function passOf({ databaseUrl }: BenchMesh): Promise<Line> {
  const log = createLogger('orchestrator')
  const db = openStore<Schema>({ url: databaseUrl, schema: 'orchestrator', poolMax: 1, log })
  try {
    const pass = async (): Promise<void> => {
      await readResyncState(db, 500)
      await claimDue(db, 500)
    }
    return { scenario: PASS, ...(await timed(pass)) }
  } finally {
    // Disposing the store ends only connections that its query builder has used.
    await db.pool.end()
  }
}

/** What PostgreSQL spends while nothing is asked. */
async function idleOf(bench: BenchMesh): Promise<Line> {
  const seconds = 10
  const counted = countCosts(bench.roots())
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const costs = counted()
  const ms = Object.entries(cpuByProcess(costs, seconds)).reduce(
    (sum, [name, cpu]) => (name.startsWith('postgres') ? sum + cpu * 1000 : sum),
    0,
  )
  return { scenario: 'history.idle', postgres_ms_per_second: rounded(ms, 1), ...disturbance(costs) }
}

async function write(bus: Bus, run: string, number: number): Promise<string> {
  const task = `write "${contentOf(run, number)}" to ${pathOf(run, number)}`
  const { execution_id: id, status } = await bus.call(requestExecution, { task })
  if (status !== 'done') throw new Error(`${task} ended as ${status}`)
  return id
}

/** @returns loads the mesh for so long, and says what one execution cost it */
function warming(bench: BenchMesh, bus: Bus) {
  let number = 0
  return async (durationMs: number): Promise<number> => {
    const counted = countCosts(bench.roots())
    const { latencies } = await load(IN_FLIGHT, durationMs, async () => void (await write(bus, 'warm', number++)))
    return (cpuTotal(counted()) ?? latencies.reduce((sum, ms) => sum + ms, 0)) / latencies.length
  }
}

async function writeMany(bench: BenchMesh, bus: Bus, run: string, count: number): Promise<Line> {
  const wal = async (): Promise<number> => {
    const { rows } = await bench.database.query<{ bytes: number }>(
      `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes`,
    )
    return rows[0]?.bytes ?? 0
  }
  await bench.database.query('checkpoint')
  const latencies: number[] = []
  const [walBefore, counted, from] = [await wal(), countCosts(bench.roots()), performance.now()]
  let number = 0
  const lane = async (): Promise<void> => {
    while (number < count) {
      const began = performance.now()
      await write(bus, run, number++)
      latencies.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  const took = (performance.now() - from) / 1000
  const costs = counted()
  return {
    scenario: 'history.execution',
    ...percentiles(latencies),
    per_second: rounded(count / took, 1),
    ...costFigures(costs, count),
    executions: count,
    in_flight: IN_FLIGHT,
    cpu_by_process: cpuByProcess(costs, count / 1000),
    wal_bytes: rounded(((await wal()) - walBefore) / count, 0),
  }
}
