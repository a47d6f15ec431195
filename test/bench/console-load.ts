/** What open pages of the console cost: executions in a second with them and without them, in turns. */
import type { Bus } from '@deed/mesh/bus'
import { type BenchMesh, benchMesh } from './bench-mesh.ts'
import { startChild } from './child-process.ts'
import { busOf, signIn, write } from './console-client.ts'
import type { PagesJob, PagesMessage } from './console-pages.ts'
import { load, percentile } from './load.ts'
import { countCosts, cpuByProcess, cpuTotal, disturbance, memoryMb } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

const PAGES = 200
const PAUSED = 50
/** Four times as many as their sessions need, since connections of the slices before may still be closing. */
const PEOPLE = 40
const PAIRS = 4
const IN_FLIGHT = 64

export const consolePages: Scenario = {
  name: 'console.pages',
  summary: `executions beside ${PAGES} open pages of the console, of which ${PAUSED} read nothing`,
  async run(settings, opened) {
    const bench = await benchMesh(settings, opened)
    return pagesOf(bench, opened.use(await busOf(bench)), settings, opened)
  },
}

interface Slice {
  perSecond: number
  /** Seconds of the mesh for one execution. */
  cpu: number
}

async function pagesOf(
  { mesh, roots, database }: BenchMesh,
  bus: Bus,
  { seconds }: Settings,
  opened: AsyncDisposableStack,
): Promise<Line[]> {
  const clients = opened.use(await startChild<PagesJob, PagesMessage>(new URL('./console-pages.ts', import.meta.url)))
  const people = await Promise.all(Array.from({ length: PEOPLE }, (_, index) => signIn(bus, `user${index}`)))
  let number = 0
  const slice = async (): Promise<Slice> => {
    const ended = countCosts(roots())
    const { latencies, seconds: took } = await load(IN_FLIGHT, seconds * 1000, async () => {
      await write(bus, 'pages', number++)
    })
    return { perSecond: latencies.length / took, cpu: (cpuTotal(ended()) ?? Number.NaN) / latencies.length }
  }
  await slice()
  // It works for seconds at a time, in a slice with pages or in one without: it is done between the pairs instead.
  await database.query('alter system set autovacuum = off')
  await database.query('select pg_reload_conf()')
  const lines: Line[] = []
  for (const visible of [false, true]) {
    const pairs: { without: Slice; with: Slice; mb: number; messages: number; reads: number }[] = []
    const ended = countCosts({ ...roots(), pages: clients.pid })
    for (let pair = 0; pair < PAIRS; pair++) {
      await database.query('vacuum analyze')
      const before = pair % 2 === 0 ? await slice() : undefined
      clients.send({ type: 'open', people, pages: PAGES, paused: PAUSED, visible })
      await clients.next('opened')
      const loaded = await slice()
      const mb = memoryMb({ console: mesh.service('console').pid ?? 0 }, [])?.console ?? Number.NaN
      clients.send({ type: 'close' })
      const { messages, reads } = await clients.next('closed')
      pairs.push({ without: before ?? (await slice()), with: loaded, mb, messages, reads })
    }
    const costs = ended()
    lines.push({
      scenario: 'console.pages',
      per_second: rounded(median(pairs.map((pair) => pair.with.perSecond)), 1),
      per_second_without: rounded(median(pairs.map(({ without }) => without.perSecond)), 1),
      ratio: rounded(median(pairs.map((pair) => pair.with.perSecond / pair.without.perSecond)), 3),
      // What an execution costs the mesh alone, console included: where the clients run elsewhere, this is the ratio.
      ratio_of_mesh_cpu: rounded(median(pairs.map((pair) => pair.without.cpu / pair.with.cpu)), 3),
      ...{ pages: PAGES, paused: PAUSED, visible: visible ? PAGES - PAUSED : 0, pairs: PAIRS },
      console_mb: rounded(Math.max(...pairs.map(({ mb }) => mb)), 0),
      messages: pairs.reduce((sum, { messages }) => sum + messages, 0),
      list_reads: pairs.reduce((sum, { reads }) => sum + reads, 0),
      ...disturbance(costs),
      // In cores, over all slices, with pages and without.
      cpu_by_process: cpuByProcess(costs, costs.seconds),
    })
  }
  return lines
}

const median = (values: readonly number[]): number =>
  percentile(
    values.toSorted((a, b) => a - b),
    50,
  )
