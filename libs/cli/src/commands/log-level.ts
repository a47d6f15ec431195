/** deed log-level: how much the services write, changed while they run. */
import type { Bus } from '@deed/mesh/bus'
import { SERVICES, type ServiceName } from '@deed/proto/contract'
import { LogLevel, logLevel } from '@deed/proto/log-level'
import { Argument, type Command } from 'commander'
import { instancesOf } from '../connect/instances.ts'
import { shellOf, withMesh } from '../connect/shell.ts'
import { table } from '../show/table.ts'
import { relative } from '../terminal/amounts.ts'
import { UnreachableError } from '../terminal/exit-code.ts'
import { span } from '../terminal/options.ts'

interface Answer {
  readonly service: ServiceName
  readonly instance: string
  readonly level: LogLevel
  readonly until: string | null
}

export function addLogLevel(program: Command): void {
  program
    .command('log-level')
    .addArgument(new Argument('[service]', 'one of them, or all').choices([...SERVICES, 'all']).default('all'))
    .addArgument(new Argument('[level]', 'the least level that is written').choices(LogLevel.options))
    .summary('how much the services write')
    .description('How much the services write to their logs; with a level, change it at once in\neach process.')
    .option('--for <time>', 'then as before: 10m, 1h (default: until the restart)', span)
    .addHelpText('after', '\nExamples:\n  deed log-level\n  deed log-level executor debug --for 10m')
    .action(
      async (
        service: ServiceName | 'all',
        level: LogLevel | undefined,
        options: { for?: number },
        command: Command,
      ) => {
        const shell = shellOf(command)
        const { out } = shell
        const wanted = service === 'all' ? SERVICES : [service]
        const change =
          level === undefined ? {} : { level, ...(options.for === undefined ? {} : { for_ms: options.for }) }
        const answers = await withMesh(shell, (bus) => askEach(bus, wanted, change))
        if (answers.length === 0) throw new UnreachableError(`no ${service === 'all' ? 'service' : service} answers`)
        out.document({ log_levels: answers })
        out.print(
          table<Answer>(
            [
              { heading: 'SERVICE', cell: ({ service: name }) => name },
              { heading: 'INSTANCE', cell: ({ instance }) => instance },
              { heading: 'LEVEL', cell: (one) => one.level },
              { heading: 'ENDS', cell: ({ until }) => (until === null ? '' : relative(until, Date.now())) },
            ],
            answers,
            out.paint,
            out.width,
          ),
        )
      },
    )
}

async function askEach(bus: Bus, services: readonly ServiceName[], change: object): Promise<Answer[]> {
  const found = await instancesOf(bus)
  const asked = services.flatMap((service) =>
    (found.get(service) ?? []).map(async ({ id }) => ({
      service,
      instance: id,
      ...(await bus.call(logLevel[service], change, { patient: false, instance: id })),
    })),
  )
  return Promise.all(asked)
}
