/**
 * The whole executor, as a process of its own where it is to be killed, on a real NATS server and a real PostgreSQL.
 * The test plays the orchestrator: it hands out tasks under rising tokens and takes the reports.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COMPILE_CACHE } from '@deed/local/service-process'
import { type TestBus, testBus } from '@deed/local/test-bus'
import type { Bus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { type WorkAct, workAct } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { heartbeatWorker, reportTask, type TaskReport } from '@deed/proto/task'
import { readConfig } from '../src/config.ts'
import { startExecutor } from '../src/service.ts'
import { type DispatchOptions, type TestExecutor, testExecutor } from './test-executor.ts'

const LEASE_MS = 10_000
const REPORT_MS_MAX = 60_000

export interface TestMesh extends AsyncDisposable {
  readonly inside: TestExecutor
  readonly orchestrator: Bus
  readonly reports: TaskReport[]
  /** Tasks that the next heartbeat of their worker is told to stop. */
  readonly stop: Set<string>
  readonly farewells: string[]
  /**
   * Starts an executor as a process of its own.
   *
   * @param crashAt the name of a crash point
   */
  start(crashAt?: string): Promise<ChildProcess>
  /** Starts one in this process, which costs less: for what nobody ends or kills. */
  host(): Promise<void>
  hand(action: Parameters<TestExecutor['dispatch']>[0], options?: DispatchOptions): Promise<WorkAct>
  reportOf(work: WorkAct, timeoutMs?: number): Promise<TaskReport>
}

/** @param yaml of execution.yaml, beside the workspace `app` */
export async function testMesh(yaml = ''): Promise<TestMesh> {
  await using opened = new AsyncDisposableStack()
  const inside = opened.use(await testExecutor(yaml))
  const mesh: TestBus = opened.use(await testBus())
  const orchestrator = await mesh.bus('orchestrator')
  const reports: TaskReport[] = []
  const stop = new Set<string>()
  const farewells: string[] = []
  const known = new Set<string>()
  orchestrator.serve(heartbeatWorker, async ({ worker_id, running, draining }) => {
    known.add(worker_id)
    if (draining) farewells.push(worker_id)
    return { lease_ms: LEASE_MS, stop: running.filter(({ task_id }) => stop.has(task_id)) }
  })
  orchestrator.serve(reportTask, async (report) => {
    const [row] = await inside.database.query<{ token: string }>(
      'newest',
      'select token from orchestrator.dispatch where task_id = $1',
      [report.task_id],
    )
    if (Number(row?.token) !== report.token) throw new DeedError('stale_token', 'the token is not the newest')
    reports.push(report)
    return { recorded: true }
  })
  const config = join(inside.root, '..', 'execution.yaml')
  writeFileSync(config, `workspaces: { app: { root: ./app } }\nverification: { verify_delay_seconds: 0.1 }\n${yaml}`)
  const environment = {
    ...mesh.environment('executor'),
    PATH: process.env.PATH,
    DATABASE_URL: inside.database.url,
    DEED_CONFIG: config,
    DEED_DATA: inside.world.dataFolder,
  }
  const children: ChildProcess[] = []
  const hosted = opened.use(new AsyncDisposableStack())
  opened.defer(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
  const kept = opened.move()
  return {
    inside,
    orchestrator,
    reports,
    stop,
    farewells,
    async start(crashAt) {
      const before = known.size
      const child = spawn(process.execPath, [fileURLToPath(new URL('../src/main.ts', import.meta.url))], {
        // Without its parent it ends by itself.
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: {
          ...environment,
          NODE_COMPILE_CACHE: COMPILE_CACHE,
          LOG_LEVEL: 'silent',
          ...(crashAt === undefined ? {} : { DEED_CRASH_AT: crashAt, DEED_TEST: '1' }),
        },
      })
      children.push(child)
      await until(() => known.size > before, { what: 'the first heartbeat' })
      return child
    },
    async host() {
      const before = known.size
      hosted.use(await startExecutor(readConfig(environment)))
      await until(() => known.size > before, { what: 'the first heartbeat' })
    },
    async hand(action, options) {
      const work = await inside.dispatch(action, options)
      orchestrator.handOut(workAct, work, { tenant: 'local' })
      return work
    },
    reportOf: (work, timeoutMs = REPORT_MS_MAX) =>
      until(() => reports.find(({ task_id, token }) => task_id === work.task_id && token === work.token), {
        what: 'the report',
        timeoutMs,
      }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Waits until the process has killed itself, as at a crash point. */
export async function died(child: ChildProcess): Promise<void> {
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit')
  if (child.signalCode !== 'SIGKILL') throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`)
}
