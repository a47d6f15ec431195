/** deed drill: break a mesh on purpose, and show what held. */
import type { DrillReport } from '@deed/drill/drill'
import type { Fault } from '@deed/drill/harness/fault'
import type { TruthOptions } from '@deed/drill/truth/drill-truth'
import type { TruthReport } from '@deed/drill/truth/run-truth'
import { type Command, InvalidArgumentError } from 'commander'
import { shellOf } from '../connect/shell.ts'
import { type Column, table } from '../show/table.ts'
import { truthText } from '../show/truth.ts'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { listenForInterruption } from '../terminal/interruption.ts'
import type { Output } from '../terminal/output.ts'

const EXECUTIONS = 200
const EXECUTIONS_MAX = 1_000_000
const HISTORIES_MAX = 100_000
const REQUESTS_MAX = 100_000_000
const SEED_MAX = 2 ** 32 - 1

interface DrillOptions {
  seed?: number
  executions?: number
  histories?: number
  requests?: number
  only?: string[]
  truth?: true
}

export function addDrill(program: Command): void {
  program
    .command('drill')
    .summary('break a mesh of its own on purpose, and say what held')
    .description('Break a mesh of its own in every known way, count the effects, and say what held.')
    .option('--seed <number>', 'of what is left to chance, to repeat it', wholeNumber(SEED_MAX))
    .option(
      '--executions <number>',
      `load with random faults (default: ${EXECUTIONS}; with --only: 0)`,
      wholeNumber(EXECUTIONS_MAX),
    )
    .option(
      '--histories <number>',
      'random histories against a model (default: 1 in 100 executions)',
      wholeNumber(HISTORIES_MAX),
    )
    .option('--requests <number>', 'malformed requests (default: 50 for each execution)', wholeNumber(REQUESTS_MAX))
    .option('--truth', 'only the truth drill: liars and ordinary things of every kind')
    .option('--only <faults>', 'such as F02,F07; with --truth kinds, such as file.write', (text: string) =>
      text.split(',').map((id) => id.trim()),
    )
    .addHelpText(
      'after',
      `
Examples:
  deed drill
  deed drill --only F02,F16
  deed drill --only F02 --requests 100000
  deed drill --only F02 --histories 50
  deed drill --seed 7 --executions 2000 --json
  deed drill --truth
  deed drill --truth --only sql.execute,command.run

The mesh is started in a temporary folder and is removed; no other mesh is
touched. Some faults need root, loop devices or strace; what cannot be tried is
named as skipped, with the reason. A fault takes from a second to a minute.

Exit code: 0 everything that was tried held; 1 something did not.`,
    )
    .action(async (options: DrillOptions, command: Command) => {
      const { out, env } = shellOf(command)
      // What a mesh logs while it is broken on purpose is no news; its services write to files all the same.
      env.LOG_LEVEL ||= 'silent'
      if (options.truth) return drillTruthAlone(options, out)
      // No other command needs what it takes to break a mesh, so no other command waits for it to load.
      const [{ allHeld, runDrill }, { FAULTS }] = await Promise.all([
        import('@deed/drill/drill'),
        import('@deed/drill/faults'),
      ])
      const { seed, histories, requests } = options
      const only = options.only?.map((id) => id.toUpperCase())
      for (const id of only ?? []) {
        if (!FAULTS.some((fault) => fault.id === id))
          throw new UsageError(`there is no fault ${id}; there are ${FAULTS.map((fault) => fault.id).join(', ')}`)
      }
      const executions = options.executions ?? (only === undefined ? EXECUTIONS : 0)
      const signal = endOnInterruption()
      const report = await runDrill({ seed, executions, histories, requests, only, progress, signal })
      const truth = only === undefined && !signal.aborted ? await tryTruth({ seed, progress, signal }) : undefined
      out.document(truth ? { ...report, truth: truth.report } : report)
      const held = allHeld(report)
      out.print(reportText(report, held, FAULTS, out))
      if (truth) out.print(truthText(truth.report, truth.held, out))
      process.exitCode = held && truth?.held !== false ? EXIT.success : EXIT.failed
    })
}

async function drillTruthAlone({ seed, only }: DrillOptions, out: Output): Promise<void> {
  const { TRUTH_KINDS } = await import('@deed/drill/truth/drill-truth')
  for (const kind of only ?? [])
    if (!TRUTH_KINDS.includes(kind))
      throw new UsageError(`the truth drill has no cases of ${kind}; it has some of ${TRUTH_KINDS.join(', ')}`)
  const { report, held } = await tryTruth({ seed, only, progress, signal: endOnInterruption() })
  out.document(report)
  out.print(truthText(report, held, out))
  process.exitCode = held ? EXIT.success : EXIT.failed
}

async function tryTruth(options: TruthOptions): Promise<{ report: TruthReport; held: boolean }> {
  const [{ drillTruth }, { isTruthful }] = await Promise.all([
    import('@deed/drill/truth/drill-truth'),
    import('@deed/drill/truth/run-truth'),
  ])
  const report = await drillTruth(options)
  return { report, held: isTruthful(report) }
}

function endOnInterruption(): AbortSignal {
  const over = new AbortController()
  void listenForInterruption().received.then(() => {
    progress('ending after what is under way; once more ends it at once')
    over.abort()
  })
  return over.signal
}

/** It takes minutes, so its progress is printed with --json too. */
const progress = (line: string): void => void process.stderr.write(`${line}\n`)

function reportText(report: DrillReport, held: boolean, tried: readonly Fault[], { paint, width }: Output): string {
  const { faults, claims, failures, histories, doors, wrong, seed, ...counts } = report
  const rows = tried.flatMap(({ id, title }) => (id in faults ? [{ id, title, verdict: faults[id] ?? '' }] : []))
  const columns: Column<(typeof rows)[number]>[] = [
    { heading: 'fault', cell: ({ id }) => id },
    { heading: 'what happens', cell: ({ title }) => title },
    { heading: 'verdict', cell: ({ verdict }) => verdict, fills: true },
  ]
  const load = [
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
    `${claims.caught} of ${claims.tried} empty claims caught, ${failures.restored} of ${failures.tried} failures left no trace`,
  ]
  return [
    ...(rows.length > 0 ? [table(columns, rows, paint, width)] : []),
    ...(counts.accepted > 0 ? load : []),
    ...(histories.tried > 0 ? [`${histories.held} of ${histories.tried} histories ended as the model says`] : []),
    ...(doors.requests > 0 ? [`${doors.refused} of ${doors.requests} requests that were almost right refused`] : []),
    ...wrong,
    `${held ? 'everything that was tried held' : 'not everything held'}; seed ${seed}`,
  ].join('\n')
}

const wholeNumber =
  (max: number) =>
  (text: string): number => {
    if (!/^\d+$/.test(text) || Number(text) > max) throw new InvalidArgumentError(`a whole number from 0 to ${max}`)
    return Number(text)
  }
