/** Measures the mesh against the limits of what it is made of: `npm run bench -- --help`. */
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { cacheHit } from './cache-hit.ts'
import { dagRun } from './dag-run.ts'
import { concurrentRule, sequentialRule } from './execution-rule.ts'
import { idleMesh } from './idle.ts'
import { jetstreamPublish, natsRoundTrip, postgresCommit } from './limits.ts'
import { reconcilerLag } from './reconciler-lag.ts'
import { heading, lineText } from './report.ts'
import { sandboxCommand } from './sandbox-command.ts'
import type { Scenario, Settings } from './scenario.ts'
import { coldStart } from './start.ts'
import { durableSubmit } from './submit.ts'
import { wordsUnderstood } from './words.ts'

const SCENARIOS: readonly Scenario[] = [
  natsRoundTrip,
  postgresCommit,
  jetstreamPublish,
  sequentialRule,
  concurrentRule,
  cacheHit,
  durableSubmit,
  reconcilerLag,
  dagRun,
  sandboxCommand,
  idleMesh,
  coldStart,
  wordsUnderstood,
]
const SECONDS = 10

const HELP = `npm run bench -- [options]

  --json           a JSON object a line, instead of a table
  --only a,b       these scenarios; \`limit\` means all that begin with it
  --seconds n      how long each thing is measured (default ${SECONDS})
  --workers n      effects that run at once in the executor, other than execution.yaml's default
  --profile dir    write CPU profiles of the services there; what is measured is slower for it
  --misses         with words: list the sentences that are not understood, but for those of the test part
  --fuzz n         with words: understand n mutated sentences as well
  --help

${SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(28)} ${summary}`).join('\n')}

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
    workers: { type: 'string' },
    profile: { type: 'string' },
    misses: { type: 'boolean', default: false },
    fuzz: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else await bench()

async function bench(): Promise<void> {
  const settings: Settings = {
    seconds: numberOf('seconds', values.seconds) ?? SECONDS,
    secondsGiven: values.seconds !== undefined,
    ...optional('workers', numberOf('workers', values.workers)),
    ...optional('profileDir', values.profile),
    ...optional('fuzz', numberOf('fuzz', values.fuzz)),
    misses: values.misses,
  }
  const scenarios = chosen(values.only)
  if (!values.json) {
    print(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}`)
    print(heading())
  }
  for (const scenario of scenarios) {
    await using opened = new AsyncDisposableStack()
    current = opened
    try {
      for (const line of await scenario.run(settings, opened))
        print(values.json ? JSON.stringify(line) : lineText(line))
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
