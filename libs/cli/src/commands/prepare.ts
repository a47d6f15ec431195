/** deed prepare: servers for services that are deployed apart. */
import { readExecutionConfig } from '@deed/config/execution-config'
import { prepareServers } from '@deed/local/prepare'
import { BusEnvironment, busAddress } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import type { Command } from 'commander'
import { z } from 'zod'
import { shellOf } from '../connect/shell.ts'
import { collect } from '../terminal/options.ts'

const Environment = z.object({
  ...BusEnvironment,
  DATABASE_URL: z.url().optional(),
  DEED_CONFIG: z.string().optional(),
})

export function addPrepare(program: Command): void {
  program
    .command('prepare <database-urls>')
    .summary('servers for services that are deployed apart')
    .description(
      'Prepares PostgreSQL and NATS for services that are deployed apart: roles, schemas, tables, streams.\nIt may run again, also while services run: before each release.',
    )
    .option('--tenant <name>', 'has a stream for submitted requests; may be repeated; default: local', collect)
    .addHelpText(
      'after',
      `
<database-urls> is a folder that deed credentials create --database has made.
NATS_URL and NATS_NKEY_FILE are as for a service, of the user bootstrap.
DATABASE_URL is of a role that may create roles and schemas; without it, both
must be there. DEED_CONFIG is the execution.yaml of the services.

Example:
  deed prepare keys/database --tenant local --tenant acme`,
    )
    .action(async (folder: string, { tenant = ['local'] }: { tenant?: string[] }, command: Command) => {
      const { env, out } = shellOf(command)
      const environment = readEnvironment(Environment, env)
      await prepareServers({
        adminUrl: environment.DATABASE_URL,
        databaseUrls: folder,
        nats: busAddress(environment),
        tenants: tenant,
        replicas: readExecutionConfig(environment.DEED_CONFIG).streams.replicas,
        progress: (step) => out.note(step),
      })
      out.document({ prepared: true, tenants: tenant })
    })
}
