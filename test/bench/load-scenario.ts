/** Scenarios that put a load on a mesh: by itself in one slice, or beside another in several. */
import { type BenchMesh, benchMesh, MACHINES_ONLY, TRACED_RATIO } from './bench-mesh.ts'
import { startChild } from './child-process.ts'
import type { ClientJob, ClientMessage, Work } from './client.ts'
import { type Load, latencyFigures } from './load.ts'
import { type Costs, costFigures, countCosts, cpuByProcess, cpuTotal, sumOfCosts } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings, type Side } from './scenario.ts'
import { countStatements, countTraffic, perExecution, type Traffic } from './traffic.ts'
import { warmUp } from './warm-up.ts'

export interface Workload {
  name: string
  summary: string
  work: Work
  inFlight: number
  /** Where the scenario takes other than the default. */
  seconds?: number
  /** Waits until everything that was begun has ended, where the client does not. */
  drain?: (bench: BenchMesh, begun: number) => Promise<void>
  /** Checks what was claimed. @throws where it did not happen @returns what else there is to say */
  check(bench: BenchMesh, done: Done): Promise<Partial<Line>>
}

/** Of the time of a slice to warm up, where most of it goes into the wait for what was begun. */
const DRAINING_SHARE = 0.1

/** Statements are counted for so long, after what is measured. */
const COUNTING_MS = 1_000

export interface Done {
  run: string
  begun: number
  warmUps: number
  /** Of these after the warm-up: measured. */
  count: number
  misses: number
  meanMs: number
  /** Whether another mesh was measured beside it: its tables may be those of another release. */
  paired: boolean
}

interface Slice {
  load: Load
  costs: Costs
  traffic: Traffic
  misses: number
  clientCpuSeconds: number
}

export function loadScenario(workload: Workload): Scenario {
  const { name, summary } = workload
  return {
    name,
    summary,
    open: (settings, opened) => openSide(workload, settings, opened),
    async run(settings, opened) {
      const side = await openSide(workload, settings, opened)
      const warm = await warmUp([side], settings.seconds)
      await side.slice((settings.secondsGiven ? settings.seconds : (workload.seconds ?? settings.seconds)) * 1000)
      return [{ ...(await side.finish()), ...warm }]
    },
  }
}

/** A mesh under load. @param env added to that of its services */
export async function openSide(
  workload: Workload,
  settings: Settings,
  opened: AsyncDisposableStack,
  env: Record<string, string> = {},
): Promise<Side> {
  const { name: scenario, work, inFlight } = workload
  const bench = await benchMesh(settings, opened, { ...MACHINES_ONLY, env })
  const client = opened.use(await startChild<ClientJob, ClientMessage>(new URL('./client.ts', import.meta.url)))
  const run = `run-${inFlight}`
  const { connection } = bench.mesh
  client.send({ type: 'connect', checkout: settings.checkout, connection, work, run, inFlight })
  await client.next('connected')
  const measured: Slice[] = []
  let warmUps = 0
  let begun = 0

  const slice = async (durationMs: number): Promise<Slice> => {
    const counted = await countTraffic(bench)
    const ended = countCosts(bench.roots())
    client.send({ type: 'load', durationMs })
    const { load, misses, cpuSeconds } = await client.next('loaded')
    begun += load.latencies.length
    await workload.drain?.(bench, begun)
    return { load, costs: ended(), traffic: await counted(), misses, clientCpuSeconds: cpuSeconds }
  }
  const lineOf = (slices: readonly Slice[]): Line => {
    const load = {
      latencies: slices.flatMap(({ load }) => load.latencies),
      seconds: sum(slices, ({ load }) => load.seconds),
    }
    const count = load.latencies.length
    const costs = sumOfCosts(slices.map(({ costs }) => costs))
    return {
      scenario,
      ...latencyFigures(load),
      ...costFigures(costs, count),
      executions: count,
      in_flight: inFlight,
      traced: TRACED_RATIO,
      ...(settings.replicas === undefined ? {} : { replicas: settings.replicas }),
      workers: { ...bench.workers },
      client_cpu_s_per_1000: rounded((sum(slices, (one) => one.clientCpuSeconds) / count) * 1000),
      ...(workload.drain ? { done_after_ms: rounded(costs.seconds * 1000, 0) } : {}),
      ...perExecution(
        slices.map(({ traffic }) => traffic),
        count,
      ),
      cpu_by_process: cpuByProcess(costs, count / 1000),
    }
  }
  return {
    async warm(durationMs) {
      const one = await slice(workload.drain ? durationMs * DRAINING_SHARE : durationMs)
      const count = one.load.latencies.length
      warmUps += count
      return (cpuTotal(one.costs) ?? sum(one.load.latencies, (ms) => ms)) / count
    },
    async slice(durationMs) {
      const one = await slice(durationMs)
      measured.push(one)
      return lineOf([one])
    },
    async finish() {
      const line = lineOf(measured)
      let counted = 0
      const statements = await countStatements(bench, async () => {
        counted = (await slice(COUNTING_MS)).load.latencies.length
      })
      const latencies = measured.flatMap(({ load }) => load.latencies)
      const done = {
        ...{ run, begun, warmUps, count: latencies.length, misses: sum(measured, ({ misses }) => misses) },
        ...{ meanMs: sum(latencies, (ms) => ms) / latencies.length, paired: settings.against !== undefined },
      }
      return {
        ...line,
        statements_per_execution: rounded(statements / counted, 2),
        ...(await workload.check(bench, done)),
      }
    },
  }
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0)
}
