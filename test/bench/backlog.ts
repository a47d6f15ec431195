/**
 * Many submitted executions at once: whether they are done as fast as those that somebody waits for, the last of them as
 * fast as the first, and in how much memory.
 */
import { type Bus, connectBus } from '@deed/mesh/bus'
import { requestExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { type BenchMesh, benchMesh, TRACED_RATIO } from './bench-mesh.ts'
import { load } from './load.ts'
import { costFigures, countCosts, cpuByProcess, memoryMb } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'
import { countTraffic, perExecution } from './traffic.ts'
import { checkFiles, contentOf, pathOf } from './written-files.ts'

const ROWS = 2_000
const AT_ONCE = 256
const EVERY_MS = 1_000
/** An execution that takes longer than this on average is a failure of the scenario. */
const EXECUTION_MS_MAX = 50
const IN_FLIGHT = 64
/** Of what is served before and after: services run for weeks, so code is compiled before anything counts. */
const WARM_UP_TIMES = 2

export const backlog: Scenario = {
  name: 'backlog',
  summary: `submit ${ROWS.toLocaleString('en')} executions, or --rows, at once; how fast they are done, beside ${IN_FLIGHT} in flight`,
  run: measureBacklog,
}

async function measureBacklog(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const bench = await benchMesh(settings, opened)
  const { nats_url: url, nats_user: user, nats_password: password } = bench.mesh.connection
  const bus = opened.use(await connectBus({ service: user ?? 'deed', url, user, password }))
  const rows = settings.rows ?? ROWS
  const served = settings.seconds * 1_000
  // Names that divide no sentence, as "before" would.
  await serve(bench, bus, 'run-0', served * WARM_UP_TIMES)
  const before = await serve(bench, bus, 'run-1', served)
  const drained = await drain(bench, bus, rows)
  const after = await serve(bench, bus, 'run-2', served)
  const servedPerSecond = (before.per_second + after.per_second) / 2
  return [
    before,
    {
      ...drained,
      served_per_second: rounded(servedPerSecond, 1),
      part_of_served: rounded(drained.drained_per_second / servedPerSecond, 2),
    },
    after,
  ]
}

const wordsOf = (run: string, number: number): string => `write "${contentOf(run, number)}" to ${pathOf(run, number)}`

/** Begins to count what the mesh spends. @returns ends the count */
async function counting(bench: BenchMesh) {
  const traffic = await countTraffic(bench)
  const costs = countCosts(bench.roots())
  return async (count: number) => {
    const [spent, traveled] = [costs(), await traffic()]
    return {
      ...costFigures(spent, count),
      executions: count,
      ...perExecution([traveled], count),
      traced: TRACED_RATIO,
      cpu_by_process: cpuByProcess(spent, count / 1000),
    }
  }
}

async function serve(bench: BenchMesh, bus: Bus, run: string, durationMs: number) {
  const counted = await counting(bench)
  let number = 0
  const { latencies, seconds } = await load(IN_FLIGHT, durationMs, async () => {
    const task = wordsOf(run, number++)
    const { status } = await bus.call(requestExecution, { task })
    if (status !== 'done') throw new Error(`${task} ended as ${status}`)
  })
  const count = latencies.length
  checkFiles(bench.workspace, run, count)
  return {
    scenario: `${backlog.name}.served`,
    per_second: rounded(count / seconds, 1),
    in_flight: IN_FLIGHT,
    ...(await counted(count)),
  }
}

async function drain(bench: BenchMesh, bus: Bus, rows: number) {
  const run = 'backlog'
  const orchestrators = Object.fromEntries(Object.entries(bench.roots()).filter(([name]) => /^orch/.test(name)))
  const memory = (): number => Object.values(memoryMb(orchestrators, []) ?? {}).reduce((sum, mb) => sum + mb, 0)
  const doneBefore = (await state(bench)).done
  const memoryBefore = memory()
  const counted = await counting(bench)
  const from = performance.now()
  let number = 0
  const submit = async (): Promise<void> => {
    while (number < rows) {
      const index = number++
      const request = JSON.stringify({ task: wordsOf(run, index) })
      await bus.nc.jetstream().publish(SUBMIT_SUBJECT, request, { msgID: `${run}-${index}` })
    }
  }
  const submitting = Promise.all(Array.from({ length: AT_ONCE }, submit)).then(() => performance.now() - from)
  const reached: { at: number; done: number }[] = []
  let [openMax, memoryMax] = [0, memoryBefore]
  for (;;) {
    const { done: all, stored } = await state(bench)
    const done = all - doneBefore
    reached.push({ at: performance.now() - from, done })
    openMax = Math.max(openMax, stored - done)
    memoryMax = Math.max(memoryMax, memory())
    if (done >= rows) break
    if (performance.now() - from > Math.max(60_000, rows * EXECUTION_MS_MAX))
      throw new Error(`${done} of ${rows} are done`)
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
  }
  const doneMs = performance.now() - from
  const submittedMs = await submitting
  const figures = await counted(rows)
  checkFiles(bench.workspace, run, rows)
  const end = { at: doneMs, done: rows }
  const rate = (first: typeof end, last: typeof end): number =>
    rounded(((last.done - first.done) / (last.at - first.at)) * 1000, 1)
  const at = (share: number) => reached.find(({ done }) => done >= rows * share) ?? end
  return {
    scenario: backlog.name,
    per_second: rounded((rows / doneMs) * 1000, 1),
    // Once nothing is submitted any more.
    drained_per_second: rate(
      reached.find(({ at, done }) => at >= submittedMs && done < rows) ?? { at: 0, done: 0 },
      end,
    ),
    second_quarter_per_second: rate(at(0.25), at(0.5)),
    last_quarter_per_second: rate(at(0.75), end),
    submitted_ms: rounded(submittedMs, 0),
    open_max: openMax,
    orchestrator_mb_before: rounded(memoryBefore, 0),
    orchestrator_mb_max: rounded(memoryMax, 0),
    ...figures,
  }
}

/** How many executions are done, and how many submissions are stored. Narrow rows: more would slow down what is measured. */
async function state({ database }: BenchMesh): Promise<{ done: number; stored: number }> {
  const { rows } = await database.query<{ done: number; stored: number }>(
    `select (select coalesce(sum(value), 0)::int from orchestrator.counts
              where period = 'month' and tenant = 'local' and measure = 'status:done') as done,
       (select coalesce(max(sequence), 0)::int from orchestrator.submissions where tenant = 'local') as stored`,
  )
  return rows[0] ?? { done: 0, stored: 0 }
}
