/// <reference lib="dom" />
/** The console in a real browser: when it can be used, how soon it shows what happens, its size, and its longest frames. */
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { readPayload } from '@deed/mesh/read-payload'
import { until } from '@deed/process/until'
import { linkConsole } from '@deed/proto/console'
import { executionEvent, getExecution, requestExecution } from '@deed/proto/execution'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { startChromium } from '../src/browser/chromium.ts'
import { type BenchMesh, benchMesh } from './bench-mesh.ts'
import { busOf, write } from './console-client.ts'
import { openedAt, recordFrames, shownAt } from './console-frames.ts'
import { percentile } from './load.ts'
import { countCosts, disturbance } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'
import { seedHistory } from './seed-history.ts'

const NAME = 'console.browser'
const ROWS = 100_000
const TASKS = 10_000
/** A task of the graph follows the one so many before it. */
const WIDTH = 100
const LOADS = 12
const EXECUTIONS_PER_SECOND = 4
/** Between two executions that somebody watches, in milliseconds. */
const PAUSE_MS_MAX = 1_200
const GRAPH_MS_MAX = 600_000
const VIEWPORT = { width: 1280, height: 800 }

/** A mesh, and a browser in which a person is signed in. */
interface Opened {
  bench: BenchMesh
  bus: Bus
  browser: Browser
  context: BrowserContext
  measured(work: () => Promise<Line>): Promise<Line>
}

const rowsOf = ({ rows = ROWS }: Settings): number => rows

export const consoleBrowser: readonly Scenario[] = [
  {
    name: `${NAME}.live`,
    summary: 'the console in Chromium: its size, when it can be used, and how soon it shows an event',
    async run(settings, opened) {
      const at = await openAll(settings, opened)
      return [
        sizeLine(settings),
        await at.measured(() => usableLine(at.browser, at.context)),
        await at.measured(() => visibleLine(at, settings)),
      ]
    },
  },
  {
    name: `${NAME}.list`,
    summary: `its longest frame over ${ROWS.toLocaleString('en')} executions, or --rows`,
    async run(settings, opened) {
      const at = await openAll(settings, opened)
      const rows = rowsOf(settings)
      const like = await write(at.bus, 'first', 0)
      await seedHistory(at.bench.database, like, { ended: rows, open: Math.round(rows / 1_000) })
      return [await at.measured(() => listLine(at.context, at.bus, rows))]
    },
  },
  {
    name: `${NAME}.graph`,
    summary: `its longest frames over an execution of ${TASKS.toLocaleString('en')} tasks, or --rows`,
    async run(settings, opened) {
      const at = await openAll(settings, opened)
      const tasks = Math.min(TASKS, rowsOf(settings))
      const graph = await graphOf(at.bus, tasks)
      return graphLines(at.context, graph, tasks, at.measured)
    },
  },
]

async function openAll(settings: Settings, opened: AsyncDisposableStack): Promise<Opened> {
  const bench = await benchMesh(settings, opened)
  const bus = opened.use(await busOf(bench))
  const { browser } = opened.use(await startChromium())
  return {
    ...{ bench, bus, browser, context: await signedIn(browser, bus) },
    async measured(work) {
      const ended = countCosts(bench.roots())
      return { ...(await work()), ...disturbance(ended()) }
    },
  }
}

/** All scripts together, as they travel. */
function sizeLine({ checkout }: Settings): Line {
  const scripts = globSync(join(checkout, 'services/console/dist/assets/*.js.gz'))
  const bytes = scripts.reduce((sum, file) => sum + statSync(file).size, 0)
  return { scenario: `${NAME}.size`, script_gzip_kb: rounded(bytes / 1_000, 1) }
}

/** A browser in which a person is signed in. */
async function signedIn(browser: Browser, bus: Bus): Promise<BrowserContext> {
  const { url } = await bus.call(linkConsole, { user: 'user' })
  const context = await browser.newContext({ viewport: VIEWPORT })
  await context.addInitScript(recordFrames)
  const page = await context.newPage()
  await page.goto(url)
  await page.evaluate(openedAt)
  await page.close()
  return context
}

const originOf = async (context: BrowserContext): Promise<string> => {
  const { origins, cookies } = await context.storageState()
  const [cookie] = cookies
  const port = /(\d+)$/.exec(cookie?.name ?? '')?.[1]
  return origins[0]?.origin ?? `http://127.0.0.1:${port}`
}

/** From the address to a page that is connected and has loaded what it shows, each time with an empty cache. */
async function usableLine(browser: Browser, signed: BrowserContext): Promise<Line> {
  const storageState = await signed.storageState()
  const origin = await originOf(signed)
  const times: number[] = []
  for (let load = 0; load < LOADS; load++) {
    const context = await browser.newContext({ viewport: VIEWPORT, storageState })
    const page = await context.newPage()
    await page.goto(origin)
    times.push(await page.evaluate(openedAt))
    await context.close()
  }
  return { scenario: `${NAME}.usable`, ...percentiles(times.slice(1)), loads: LOADS - 1 }
}

/** From an event that another subscriber has, to the frame in which the row of the list shows it. */
async function visibleLine({ bench: { mesh }, bus, context }: Opened, { seconds }: Settings): Promise<Line> {
  const { nats_url: url, nats_user: user, nats_password: password } = mesh.connection
  await using own = await connectBus({ service: user ?? 'deed', url, user, password })
  const heard = new Map<string, number>()
  own.nc.subscribe(executionEvent.subject, {
    callback: (error, message) => {
      const event = readPayload(executionEvent, error, message)
      if (!event) return
      for (const what of ['first', event.type]) {
        const key = `${what} ${event.execution_id}`
        if (!heard.has(key)) heard.set(key, Date.now())
      }
    },
  })
  const page = await openPage(context, '/executions')
  const [begun, ended]: [number[], number[]] = [[], []]
  for (let number = 0; number < seconds * EXECUTIONS_PER_SECOND; number++) {
    const name = `visible-${number}.txt`
    const seen = [shownAt, shownAt].map((at, index) =>
      page.waitForFunction(at, [name, index === 0 ? '' : 'done'] as const, { polling: 'raf' }),
    )
    const { execution_id: id } = await bus.call(requestExecution, { task: `write "x" to ${name}` })
    const [shown, done] = await Promise.all(seen.map(async (one) => Number(await (await one).jsonValue())))
    const at = (type: string): number => heard.get(`${type} ${id}`) ?? Number.NaN
    begun.push(Math.max(0, (shown ?? 0) - at('first')))
    ended.push(Math.max(0, (done ?? 0) - at('execution.ended')))
    await page.waitForTimeout(Math.random() * PAUSE_MS_MAX)
  }
  await page.close()
  return {
    scenario: `${NAME}.visible`,
    ...percentiles([...begun, ...ended]),
    begun_p95_ms: percentiles(begun).p95_ms,
    ended_p95_ms: percentiles(ended).p95_ms,
    executions: begun.length,
  }
}

/** The list, scrolled as by a wheel and in leaps until all rows are here, and as by a wheel again, while executions arrive. */
async function listLine(context: BrowserContext, bus: Bus, rows: number): Promise<Line> {
  const page = await openPage(context, '/executions')
  let arriving = true
  const arrivals = (async () => {
    for (let number = 0; arriving; number++) {
      await write(bus, 'arriving', number)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  })()
  await page.evaluate(() => window.frames_.begin())
  await wheel(page, '.table-box', 5_000)
  const reached = await leap(page, '.table-box', rows)
  await wheel(page, '.table-box', 5_000, -1)
  const frames = await page.evaluate(() => window.frames_.end())
  arriving = false
  await arrivals
  await page.close()
  return { scenario: `${NAME}.list`, ...frames, rows, rows_here: reached }
}

async function graphOf(bus: Bus, size: number): Promise<string> {
  const { execution_id: id } = await bus.call(requestExecution, {
    manifest: {
      name: 'graph',
      tasks: Array.from({ length: size }, (_, index) => ({
        id: `t${index}`,
        action: { kind: 'dir.create', input: { path: `graph/${index}` } },
        ...(index < WIDTH ? {} : { depends_on: [`t${index - WIDTH}`] }),
      })),
    },
    mode: 'background',
  })
  await until(async () => (await bus.call(getExecution, { execution_id: id })).status === 'done', {
    ...{ what: 'the end of a graph', timeoutMs: GRAPH_MS_MAX },
  })
  return id
}

async function graphLines(
  context: BrowserContext,
  id: string,
  tasks: number,
  measured: (work: () => Promise<Line>) => Promise<Line>,
): Promise<Line[]> {
  const views: [string, string, string][] = [
    ['tasks', `/executions/${id}`, '.table-box'],
    ['timeline', `/executions/${id}?view=timeline`, '.timeline-box, .table-box'],
    ['audit', `/executions/${id}?view=audit`, '.table-box'],
  ]
  const lines: Line[] = []
  for (const [view, path, box] of views) {
    lines.push(
      await measured(async () => {
        const page = await openPage(context, path)
        await page.waitForFunction(() => !document.body.textContent?.includes('are being read'))
        const opening = await page.evaluate(() => window.frames_.end())
        await page.evaluate(() => window.frames_.begin())
        await wheel(page, box, 5_000)
        await wheel(page, box, 2_000, -1)
        const frames = await page.evaluate(() => window.frames_.end())
        await page.close()
        return {
          ...{ scenario: `${NAME}.graph.${view}`, ...frames, tasks },
          opening_longest_frame_ms: opening.longest_frame_ms,
        }
      }),
    )
  }
  return lines
}

async function openPage(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(120_000)
  await page.goto(`${await originOf(context)}${path}`)
  await page.evaluate(openedAt)
  return page
}

/** Scrolls a little in each frame. */
function wheel(page: Page, selector: string, durationMs: number, direction: 1 | -1 = 1): Promise<void> {
  return page.evaluate(
    ([selector, durationMs, direction]) =>
      new Promise<void>((resolve) => {
        const box = document.querySelector(selector) ?? document.scrollingElement
        const end = performance.now() + durationMs
        const step = (): void => {
          if (box) box.scrollTop += direction * 120
          if (performance.now() < end) requestAnimationFrame(step)
          else resolve()
        }
        requestAnimationFrame(step)
      }),
    [selector, durationMs, direction] as const,
  )
}

/** Scrolls to the end, again and again, until so many rows are here, or no more come. @returns how many there are */
function leap(page: Page, selector: string, rows: number): Promise<number> {
  return page.evaluate(
    ([selector, rows]) =>
      new Promise<number>((resolve) => {
        const box = document.querySelector(selector) as HTMLElement
        const table = box.querySelector('table') as HTMLElement
        let grownAt = performance.now()
        let height = 0
        const step = (): void => {
          const here = Math.round(table.getBoundingClientRect().height / 36) - 1
          if (here > height) [height, grownAt] = [here, performance.now()]
          if (here >= rows || performance.now() - grownAt > 15_000) return resolve(here)
          box.scrollTop = box.scrollHeight
          requestAnimationFrame(step)
        }
        requestAnimationFrame(step)
      }),
    [selector, rows] as const,
  )
}

function percentiles(latencies: readonly number[]) {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (percent: number): number => rounded(percentile(sorted, percent), 1)
  return { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) }
}
