/** How long an executor takes to know a codebase: at first, when nothing has changed, and when one file has. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { connectBus } from '@deed/mesh/bus'
import { analyzeCodebase, type CodebaseAnalysis, searchCode } from '@deed/proto/code'
import { benchMesh } from './bench-mesh.ts'
import { percentile } from './load.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

const FILES = 5_000
const PACKAGES = 50
const CHANGES = 20

export const analyzeCodebaseTimes: Scenario = {
  name: 'analyze.codebase',
  summary: `a repository of ${FILES} files, or --rows: read at first, unchanged, with one file changed, and searched`,
  async run(settings, opened) {
    const { mesh, workspace } = await benchMesh(settings, opened)
    const files = writeCodebase(workspace, settings)
    const { nats_url: url, nats_user: user, nats_password: password } = mesh.connection
    const bus = opened.use(await connectBus({ service: user ?? 'deed', url, user, password }))
    const analyze = () => bus.call(analyzeCodebase, {}, { timeoutMs: 120_000 })
    const first = await timed(analyze)
    expectIndex(first.answer, { files, read: files })
    const unchanged = await repeated(CHANGES, async () => expectIndex(await analyze(), { files, read: 0 }))
    const changed = await repeated(
      CHANGES,
      async () => expectIndex(await analyze(), { files, read: 1 }),
      (n) => writeFileSync(join(workspace, pathOf(n * 7)), sourceOf(n * 7, n + 1)),
    )
    const searched = await repeated(CHANGES, async (n) => {
      const { places } = await bus.call(searchCode, { words: `compute total ${n * 11}` })
      if (places.length === 0) throw new Error('nothing was found')
    })
    return [
      { scenario: 'analyze.codebase.first', files, seconds: rounded(first.ms / 1_000), lines: first.answer.lines },
      figures('analyze.codebase.unchanged', unchanged),
      figures('analyze.codebase.one_changed', changed),
      figures('analyze.codebase.search', searched),
    ]
  },
}

const figures = (scenario: string, times: readonly number[]): Line => ({
  scenario,
  p50_ms: rounded(percentile(times, 50), 1),
  p95_ms: rounded(percentile(times, 95), 1),
})

/** @throws where it is not as complete as it should be */
function expectIndex({ index }: CodebaseAnalysis, expected: { files: number; read: number }): void {
  const { files, read, complete } = index
  if (!complete || files !== expected.files || read !== expected.read)
    throw new Error(`expected ${JSON.stringify(expected)}, and the answer has ${JSON.stringify(index)}`)
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; answer: T }> {
  const from = performance.now()
  const answer = await work()
  return { ms: performance.now() - from, answer }
}

/** @param prepare is not measured @returns times in milliseconds, the shortest first */
async function repeated(
  times: number,
  work: (n: number) => Promise<void>,
  prepare: (n: number) => void = () => undefined,
): Promise<number[]> {
  const found: number[] = []
  for (let n = 0; n < times; n++) {
    prepare(n)
    found.push((await timed(() => work(n))).ms)
  }
  return found.sort((a, b) => a - b)
}

/** In two languages and packages that import each other, with one commit. @returns how many files it has */
function writeCodebase(folder: string, { rows = FILES }: Settings): number {
  const sources = rows - PACKAGES
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  for (let n = 0; n < PACKAGES; n++) write(`packages/p${n}/package.json`, `{ "name": "@bench/p${n}" }\n`)
  for (let n = 0; n < sources; n++) write(pathOf(n), sourceOf(n, 0))
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com', ...args], { cwd: folder })
  git('init', '-q')
  git('add', '-A')
  git('commit', '-q', '-m', 'all')
  return rows
}

const isPython = (n: number): boolean => n % 5 === 0
const pathOf = (n: number): string => `packages/p${n % PACKAGES}/src/module_${n}.${isPython(n) ? 'py' : 'ts'}`

const FUNCTIONS = 8

function sourceOf(n: number, version: number): string {
  const functions = Array.from({ length: FUNCTIONS }, (_, index) => (isPython(n) ? python : typescript)(n, index))
  const head = isPython(n)
    ? `import os\nfrom .module_${n + PACKAGES * 5} import compute_${n}\n`
    : `import { computeTotal${n} } from '@bench/p${(n + 1) % PACKAGES}'\nimport express from 'express'\n`
  return `${head}\n${functions.join('\n')}\n${isPython(n) ? '#' : '//'} version ${version}\n`
}

const typescript = (n: number, index: number) => `/** Computes total ${index} of module ${n} from its prices. */
export function computeTotal${n}Of${index}(prices: readonly number[], rate: number): number {
  let total = 0
  for (const price of prices) {
    if (price > ${index} && rate !== 0) total += price * rate
    else if (price < 0) total -= 1
  }
  return total > 1_000 ? Math.round(total) : total
}
`

const python = (n: number, index: number) => `def compute_total_${n}_of_${index}(prices, rate):
    """Computes total ${index} of module ${n} from its prices."""
    total = 0
    for price in prices:
        if price > ${index} and rate:
            total += price * rate
        elif price < 0:
            total -= 1
    return round(total) if total > 1000 else total
`
