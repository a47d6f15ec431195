/** deed drill: break a mesh on purpose, and show what held. */
import type { DrillReport } from '@deed/drill/drill'
import type { Fault } from '@deed/drill/fault'
import { type Command, InvalidArgumentError } from 'commander'
import { EXIT, UsageError } from '../exit-code.ts'
import { listenForInterruption } from '../interruption.ts'
import type { Output } from '../output.ts'
import { shellOf } from '../shell.ts'
import { type Column, table } from '../show/table.ts'

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
}

export function addDrill(program: Command): void {
  program
    .command('drill')
    .description('break a mesh of its own in every known way, count the effects, and say what held')
    .option('--seed <number>', 'of all that is left to chance, to have it again', wholeNumber(SEED_MAX))
    .option(
      '--executions <number>',
      `of the load with faults by chance (default: ${EXECUTIONS}; with --only: 0)`,
      wholeNumber(EXECUTIONS_MAX),
    )
    .option(
      '--histories <number>',
      'of people and faults by chance, against a model (default: one for each 100 executions)',
      wholeNumber(HISTORIES_MAX),
    )
    .option(
      '--requests <number>',
      'almost right, to every door (default: 50 for each execution)',
      wholeNumber(REQUESTS_MAX),
    )
    .option('--only <faults>', 'such as F02,F07', (text: string) =>
      text.split(',').map((id) => id.trim().toUpperCase()),
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

The mesh is started in a temporary folder and is removed; no other mesh is touched. Some faults need root, loop devices
or strace; what cannot be tried here is named as skipped, with the reason.
Exit code 0: everything that was tried held.`,
    )
    .action(async (options: DrillOptions, command: Command) => {
      const { out } = shellOf(command)
      // No other command needs what it takes to break a mesh, so no other command waits for it to load.
      const [{ allHeld, runDrill }, { FAULTS }] = await Promise.all([
        import('@deed/drill/drill'),
        import('@deed/drill/faults'),
      ])
      const { seed, histories, requests, only } = options
      for (const id of only ?? []) {
        if (!FAULTS.some((fault) => fault.id === id))
          throw new UsageError(`there is no fault ${id}; there are ${FAULTS.map((fault) => fault.id).join(', ')}`)
      }
      const executions = options.executions ?? (only === undefined ? EXECUTIONS : 0)
      const interruption = listenForInterruption()
      const over = new AbortController()
      void interruption.received.then(() => {
        progress('ending after what is under way; once more ends it at once')
        over.abort()
      })
      const report = await runDrill({ seed, executions, histories, requests, only, progress, signal: over.signal })
      out.document(report)
      const held = allHeld(report)
      out.print(reportText(report, held, FAULTS, out))
      process.exitCode = held ? EXIT.success : EXIT.failed
    })
}

/** It takes minutes, so how far it is is told with --json too. */
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
