/** Measures the mesh against the limits of what it is made of: `npm run bench -- --help`. */
import { availableParallelism, cpus } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { analyzeCodebaseTimes } from './analyze-codebase.ts'
import { backlog } from './backlog.ts'
import { cacheHit } from './cache-hit.ts'
import { cacheProposals } from './cache-proposals.ts'
import { checkoutAt, THIS } from './checkout.ts'
import { classifierAccuracy } from './classifier.ts'
import { consoleBrowser } from './console-browser.ts'
import { consolePages } from './console-load.ts'
import { dagRun } from './dag-run.ts'
import { concurrentRule, sequentialRule } from './execution-rule.ts'
import { history } from './history.ts'
import { idleMesh } from './idle.ts'
import { idleMcp } from './idle-mcp.ts'
import { jetstreamPublish, natsRoundTrip, postgresCommit } from './limits.ts'
import { mixedRequests } from './mixed-requests.ts'
import { organization } from './organization.ts'
import { runInPairs } from './pairs.ts'
import { PEERS } from './peers/peers.ts'
import { reconcilerLag } from './reconciler-lag.ts'
import { refactorRenames } from './refactor-renames.ts'
import { heading, lineText } from './report.ts'
import { sandboxCommand } from './sandbox-command.ts'
import type { Scenario, Settings } from './scenario.ts'
import { coldStart } from './start.ts'
import { durableSubmit } from './submit.ts'
import { tracing } from './tracing.ts'
import { everyTypingError, wordsUnderstood } from './words.ts'

const SCENARIOS: readonly Scenario[] = [
  natsRoundTrip,
  postgresCommit,
  jetstreamPublish,
  sequentialRule,
  concurrentRule,
  tracing,
  cacheHit,
  cacheProposals,
  classifierAccuracy,
  analyzeCodebaseTimes,
  durableSubmit,
  reconcilerLag,
  backlog,
  history,
  organization,
  dagRun,
  consolePages,
  ...consoleBrowser,
  sandboxCommand,
  refactorRenames,
  idleMesh,
  idleMcp,
  coldStart,
  wordsUnderstood,
  everyTypingError,
  mixedRequests,
]
const SECONDS = 10

const HELP = `npm run bench -- [options]

  --json           a JSON object a line, instead of a table
  --only a,b       these scenarios; \`limit\` means all that begin with it
  --seconds n      how long each thing is measured (default ${SECONDS})
  --against dir    measure this checkout and the one in \`dir\` in turns: both, and the ratios of their figures
  --peers          as well: durable execution elsewhere, whose packages npm installs for the time of the run
  --replicas n     measure n orchestrators and n executors, in turns with one of each (with --against: n in both)
  --together       the thinking services share a process, as \`deed up\` has it; without it each has its own
  --workers n      effects that run at once in the executor, other than execution.yaml's default
  --rows n         with history, organization and backlog: how many executions; with refactor.renames: how many
                   renames; with analyze.codebase: how many files
  --profile dir    write CPU profiles of the services there; what is measured is slower for it
  --stream a,b     with cache.proposals: CSV files of questions and what their answers are called, asked in turn;
                   with classifier: one to train on, and one to judge on
  --misses         with words and typing-errors: list the misunderstood, but for the test part
  --fuzz n         with words: understand n mutated sentences as well
  --help

${[...SCENARIOS, ...PEERS].map(({ name, summary }) => `  ${name.padEnd(28)} ${summary}`).join('\n')}

Figures are read against the limits of the same run: only ratios travel to another machine.
`

const EX_USAGE = 64
const EX_INTERRUPTED = 130

/** What the scenario that runs has started. */
let current: AsyncDisposableStack | undefined
let leaving: Promise<never> | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void leave())

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    seconds: { type: 'string' },
    against: { type: 'string' },
    peers: { type: 'boolean', default: false },
    replicas: { type: 'string' },
    together: { type: 'boolean', default: false },
    workers: { type: 'string' },
    rows: { type: 'string' },
    profile: { type: 'string' },
    misses: { type: 'boolean', default: false },
    fuzz: { type: 'string' },
    stream: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else await bench()

async function bench(): Promise<void> {
  const settings: Settings = {
    seconds: numberOf('seconds', values.seconds) ?? SECONDS,
    secondsGiven: values.seconds !== undefined,
    checkout: THIS,
    ...optional('against', checkedOut(values.against)),
    ...optional('replicas', numberOf('replicas', values.replicas)),
    together: values.together,
    ...optional('workers', numberOf('workers', values.workers)),
    ...optional('profileDir', values.profile),
    ...optional('rows', numberOf('rows', values.rows)),
    ...optional('fuzz', numberOf('fuzz', values.fuzz)),
    ...optional('stream', values.stream?.split(',')),
    misses: values.misses,
  }
  const scenarios = [...chosen(values.only), ...(values.peers ? PEERS : [])]
  if (!values.json) {
    print(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}`)
    print(heading())
  }
  for (const scenario of scenarios) {
    await using opened = new AsyncDisposableStack()
    current = opened
    try {
      const paired = settings.against !== undefined || settings.replicas !== undefined
      const run = !paired ? scenario.run : runInPairs.bind(undefined, scenario)
      for (const line of await run(settings, opened)) print(values.json ? JSON.stringify(line) : lineText(line))
    } catch (error) {
      // What was measured is being taken away from under the scenario.
      if (leaving) await leaving
      throw error
    }
  }
}

/** Closes what is open, in order, and ends this process. */
function leave(): Promise<never> {
  leaving ??= Promise.resolve(current?.disposeAsync())
    .catch(() => undefined)
    .then(() => process.exit(EX_INTERRUPTED))
  return leaving
}

function chosen(only: string | undefined): readonly Scenario[] {
  if (only === undefined) return SCENARIOS
  const names = only.split(',').map((name) => name.trim())
  const meant =
    (wanted: string) =>
    ({ name }: Scenario) =>
      name === wanted || name.startsWith(`${wanted}.`)
  for (const name of names) {
    if (!SCENARIOS.some(meant(name))) refuse(`there is no scenario ${name}; --help lists them`)
  }
  return SCENARIOS.filter((scenario) => names.some((name) => meant(name)(scenario)))
}

function checkedOut(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined
  try {
    return checkoutAt(resolve(folder)).root
  } catch (error) {
    refuse(`--against: ${(error as Error).message}`)
  }
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!(number > 0)) refuse(`--${option} takes a number above 0`)
  return number
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { [name in Name]?: Value }
}

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n`)
  process.exit(EX_USAGE)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
