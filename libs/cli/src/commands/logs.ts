/** deed logs: what the services of a mesh on this machine have written. */
import { join } from 'node:path'
import { THINKERS, THINKING } from '@deed/local/thinkers'
import { LogLevel } from '@deed/proto/log-level'
import { type Entry, lastLines, logNames, newLines, type Positions } from '@deed/telemetry/read-logs'
import type { Command } from 'commander'
import { type Shell, shellOf } from '../connect/shell.ts'
import { logLineText } from '../logs/log-line.ts'
import { UnreachableError, UsageError } from '../terminal/exit-code.ts'
import { idText } from '../terminal/find-id.ts'
import { choice, count, moment } from '../terminal/options.ts'

const LINES = 50

interface Options {
  execution?: string
  level?: LogLevel
  since?: string
  lines: number
  follow?: boolean
}

export function addLogs(program: Command): void {
  program
    .command('logs')
    .argument('[services...]', 'such as executor, or executor-2 of several; all without it')
    .summary('what the services have written')
    .description('What the services of a mesh on this machine have written, in the order of time.')
    .option('-e, --execution <id>', 'lines about this execution: its id, or the end of it', idText)
    .addOption(choice('-l, --level <level>', 'the least level', LogLevel))
    .option('--since <time>', 'a time, or how long ago: 10m, 2h', moment)
    .option('-n, --lines <count>', 'the last lines', count, LINES)
    .option('-f, --follow', 'go on with new lines until Ctrl+C')
    .addHelpText(
      'after',
      `
Examples:
  deed logs executor --follow
  deed logs --execution 5f6a7b8c --level warn

The lines are files in the folder logs of the data folder. Elsewhere they are on
standard output of each service: kubectl logs -l app.kubernetes.io/part-of=deed`,
    )
    .action(async (services: string[], options: Options, command: Command) => {
      await showLogs(shellOf(command), services, options)
    })
}

async function showLogs(shell: Shell, services: readonly string[], options: Options): Promise<void> {
  const { out, dataDir } = shell
  const folder = join(dataDir, 'logs')
  const there = logNames(folder)
  if (there.length === 0) throw new UnreachableError(`there are no logs in ${folder}: no mesh has run there`)
  const wanted = services.map((service) => fileOf(service, there))

  const { execution, level, since, lines } = options
  const filter = {
    ...{ execution, level, since: since === undefined ? undefined : Date.parse(since) },
    services: services.length === 0 || services.includes(THINKING) ? undefined : services.map(withoutNumber),
  }
  const print = ({ service: file, line }: Entry): void => {
    const service = file === THINKING && typeof line.service === 'string' ? line.service : file
    out.document({ service, ...line })
    out.print(logLineText(line, service, out.paint))
  }
  const positions: Positions = new Map()
  const found = await lastLines(folder, services.length === 0 ? there : wanted, filter, lines, positions)
  found.forEach(print)
  if (!options.follow) {
    if (found.length === 0) out.note('no such lines')
    return
  }
  const names = (): readonly string[] => (services.length === 0 ? logNames(folder) : wanted)
  for await (const entry of newLines(folder, names, filter, positions)) print(entry)
}

/** Thinking services may share a process, and its log. @throws {UsageError} where there is none */
function fileOf(service: string, there: readonly string[]): string {
  if (there.includes(service)) return service
  if (there.includes(THINKING) && (THINKERS as readonly string[]).includes(service)) return THINKING
  throw new UsageError(`there is no log of ${service}; there are ${there.join(', ')}`)
}

/** `executor-2` is the second log of `executor`. */
const withoutNumber = (name: string): string => name.replace(/-\d+$/, '')
