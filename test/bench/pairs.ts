/** Two meshes measured in turns, in the same minutes: what else the machine does then, it does to both. */
import { percentile } from './load.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'
import { warmUp } from './warm-up.ts'

const SLICE_SECONDS = 2
const PAIRS_MIN = 3
/** Of a scenario that is measured as a whole. */
const WHOLE_PAIRS = 2

/** What was set, or happened to both. */
const NOT_COMPARED = ['executions', 'replicas', 'foreign_cores', 'steal_cores']

type Pair = readonly [mine: Line, theirs: Line]

/**
 * @param settings with `against`, or with `replicas`, which are compared with one of each
 * @returns the lines of both, and for each line the ratios of the figures
 */
export async function runInPairs(
  scenario: Scenario,
  settings: Settings,
  opened: AsyncDisposableStack,
): Promise<Line[]> {
  if (scenario.ofTheMachine) return scenario.run(settings, opened)
  return scenario.open ? inSlices(scenario.open, settings, opened) : asWholes(scenario, settings, opened)
}

async function inSlices(
  open: NonNullable<Scenario['open']>,
  settings: Settings,
  opened: AsyncDisposableStack,
): Promise<Line[]> {
  const sides = [await open(settings, opened), await open(other(settings), opened)] as const
  const warm = await warmUp(sides, settings.seconds)
  const pairs: Pair[] = []
  const count = Math.max(PAIRS_MIN, Math.round(settings.seconds / SLICE_SECONDS))
  const sliceMs = (settings.seconds * 1000) / count
  for (let index = 0; index < count; index++) pairs.push(await inTurns(index, (side) => sides[side].slice(sliceMs)))
  const [mine, theirs] = [await sides[0].finish(), await sides[1].finish()]
  return [{ ...mine, ...warm }, { ...theirs, ...nameOf(settings), ...warm }, ratioLine(pairs)]
}

async function asWholes(scenario: Scenario, settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const runs: (readonly [Line[], Line[]])[] = []
  for (let index = 0; index < WHOLE_PAIRS; index++) {
    const run = async (side: 0 | 1): Promise<Line[]> => {
      // One mesh at a time.
      await using own = new AsyncDisposableStack()
      const stack = opened.use(own)
      return await scenario.run(side === 0 ? settings : other(settings), stack)
    }
    runs.push(await inTurns(index, run))
  }
  const pairsOf = (line: number): Pair[] =>
    runs.flatMap(([mine, theirs]): Pair[] => {
      const [a, b] = [mine[line], theirs[line]]
      return a && b ? [[a, b]] : []
    })
  return [
    ...runs.flatMap(([mine, theirs]) => [...mine, ...theirs.map((line) => ({ ...line, ...nameOf(settings) }))]),
    ...(runs[0]?.[0] ?? []).map((_, line) => ratioLine(pairsOf(line))),
  ]
}

/** Which of the two goes first changes, so that neither has the better place. */
async function inTurns<T>(index: number, measure: (side: 0 | 1) => Promise<T>): Promise<readonly [T, T]> {
  if (index % 2 === 0) return [await measure(0), await measure(1)]
  const theirs = await measure(1)
  return [await measure(0), theirs]
}

/**
 * The median of the ratios of pairs, and their quartiles, of each figure that both have.
 *
 * @param pairs of the same line, each measured one right after the other
 */
export function ratioLine(pairs: readonly Pair[]): Line {
  const [first] = pairs
  const names = Object.keys(first?.[0] ?? {}).filter(
    (name) =>
      !NOT_COMPARED.includes(name) && pairs.every(([mine, theirs]) => isFigure(mine[name]) && isFigure(theirs[name])),
  )
  const ratios = names.map((name) => {
    const sorted = pairs.map(([mine, theirs]) => Number(mine[name]) / Number(theirs[name])).sort((a, b) => a - b)
    return [name, sorted] as const
  })
  // What is the same everywhere is a setting.
  const telling = ratios.filter(([, sorted]) => sorted.some((ratio) => ratio !== 1))
  const at = (percent: number): Record<string, number> =>
    Object.fromEntries(telling.map(([name, sorted]) => [name, rounded(percentile(sorted, percent))]))
  return {
    scenario: `${first?.[0].scenario} ratio`,
    pairs: pairs.length,
    ...at(50),
    lower_quartile: at(25),
    upper_quartile: at(75),
  }
}

const isFigure = (value: unknown): boolean => typeof value === 'number' && value > 0

/** The other checkout, or one of each service. */
const other = (settings: Settings): Settings => ({
  ...settings,
  ...(settings.against === undefined ? { replicas: 1 } : { checkout: settings.against }),
})

const nameOf = ({ against }: Settings): Partial<Line> => (against === undefined ? {} : { checkout: against })
