/** Many submitted executions at once: whether the last of them are done as fast as the first. */
import { connectBus } from '@deed/mesh/bus'
import { SUBMIT_SUBJECT } from '@deed/proto/execution'
import { benchMesh, TRACED_RATIO } from './bench-mesh.ts'
import { costFigures, countCosts, cpuByProcess } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'
import { checkFiles, contentOf, pathOf } from './written-files.ts'

const ROWS = 2_000
const AT_ONCE = 256
const EVERY_MS = 1_000
/** An execution that takes longer than this on average is a failure of the scenario. */
const EXECUTION_MS_MAX = 50

export const backlog: Scenario = {
  name: 'backlog',
  summary: `submit ${ROWS.toLocaleString('en')} executions, or --rows, at once; how fast the first and the last of them are done`,
  run: drain,
}

async function drain(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const bench = await benchMesh(settings, opened)
  const { nats_url: url, nats_user: user, nats_password: password } = bench.mesh.connection
  const bus = opened.use(await connectBus({ service: user ?? 'deed', url, user, password }))
  const rows = settings.rows ?? ROWS
  const run = 'backlog'
  const state = async () => {
    // Narrow rows: reading all executions would slow down what is measured.
    const { rows: found } = await bench.database.query<{ done: number; open: number; commits: number }>(
      `select done::int, (select count(*) from orchestrator.submissions)::int - done::int as open,
         pg_snapshot_xmax(pg_current_snapshot())::text::float8 as commits
         from (select coalesce(sum(value), 0) as done from orchestrator.counts
                where period = 'month' and measure = 'status:done') c`,
    )
    return found[0] ?? { done: 0, open: 0, commits: 0 }
  }
  const before = await state()
  const counted = countCosts(bench.roots())
  const from = performance.now()
  let number = 0
  const submit = async (): Promise<void> => {
    while (number < rows) {
      const index = number++
      const task = `write "${contentOf(run, index)}" to ${pathOf(run, index)}`
      await bus.nc.jetstream().publish(SUBMIT_SUBJECT, JSON.stringify({ task }), { msgID: `${run}-${index}` })
    }
  }
  const submitting = Promise.all(Array.from({ length: AT_ONCE }, submit)).then(() => performance.now() - from)
  const reached: { at: number; done: number }[] = []
  let openMax = 0
  for (;;) {
    const { done, open } = await state()
    reached.push({ at: performance.now() - from, done })
    openMax = Math.max(openMax, open)
    if (done >= rows) break
    if (performance.now() - from > Math.max(60_000, rows * EXECUTION_MS_MAX))
      throw new Error(`${done} of ${rows} are done`)
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
  }
  const submittedMs = await submitting
  checkFiles(bench.workspace, run, rows)
  const doneMs = performance.now() - from
  const costs = counted()
  const rate = (part: number, next: number): number => {
    const at = (share: number) => reached.find(({ done }) => done >= rows * share) ?? { at: doneMs, done: rows }
    const [first, last] = [at(part), at(next)]
    return rounded(((last.done - first.done) / (last.at - first.at)) * 1000, 1)
  }
  return [
    {
      scenario: backlog.name,
      per_second: rounded((rows / doneMs) * 1000, 1),
      ...costFigures(costs, rows),
      executions: rows,
      submitted_ms: rounded(submittedMs, 0),
      open_max: openMax,
      second_quarter_per_second: rate(0.25, 0.5),
      last_quarter_per_second: rate(0.75, 1),
      commits_per_execution: rounded(((await state()).commits - before.commits) / rows, 2),
      traced: TRACED_RATIO,
      cpu_by_process: cpuByProcess(costs, rows / 1000),
    },
  ]
}
