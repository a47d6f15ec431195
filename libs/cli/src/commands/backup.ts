/** deed backup and deed restore: what a mesh has stored, as a folder, and back. */
import { join, resolve } from 'node:path'
import { counted } from '@deed/config/counted'
import { readExecutionConfig } from '@deed/config/execution-config'
import { runningMesh } from '@deed/local/connection-file'
import type { StoresAt } from '@deed/local/open-stores'
import { BusEnvironment, busAddress } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import type { Command } from 'commander'
import { z } from 'zod'
import { type Shell, shellOf } from '../connect/shell.ts'
import { duration } from '../terminal/amounts.ts'
import { deedCommand } from '../terminal/deed-command.ts'

const Environment = z.object({
  ...BusEnvironment,
  DATABASE_URL: z.url().optional(),
  DEED_CONFIG: z.string().optional(),
})

const SERVERS = `Without NATS_URL and DATABASE_URL: of the mesh of the data folder, or of its
servers, which are started for the time. With them: of the servers that they
name, as for deed prepare.`

interface BackupOptions {
  executorData?: string
}

interface RestoreOptions extends BackupOptions {
  yes?: boolean
  check?: boolean
  databaseUrls?: string
}

export function addBackup(program: Command): void {
  program
    .command('backup <folder>')
    .summary('all that the mesh has stored, as a folder')
    .description('Write all that the mesh has stored into a new folder, also while it works.')
    .option('--executor-data <folder>', 'with the snapshots for undos; default: of the data folder')
    .addHelpText(
      'after',
      `
${SERVERS}
The folder holds what tasks and answers said: keep it like the database.

Examples:
  deed backup backups/monday
  deed restore backups/monday --check`,
    )
    .action(async (folder: string, options: BackupOptions, command: Command) => {
      const shell = shellOf(command, process.cwd())
      const { out } = shell
      const begun = performance.now()
      const { makeBackup } = await import('@deed/local/backup')
      using _busy = out.busy('backing up')
      const { executorData } = at(shell, options)
      const list = await makeBackup({
        ...at(shell, options),
        folder,
        executorData,
        progress: (step) => out.progress(step),
      })
      out.document({ folder: resolve(folder), made_at: list.made_at, ...amounts(list), ms: performance.now() - begun })
      out.print(`backed up to ${resolve(folder)} in ${duration(performance.now() - begun)}: ${amountsText(list)}`)
    })
}

export function addRestore(program: Command): void {
  program
    .command('restore <folder>')
    .summary('put a backup in place of what is there')
    .description('Put a backup in place of what a mesh has stored. Its services must not run.')
    .option('--yes', 'replace what the target holds')
    .option('--check', 'only read the backup, and say whether it can be restored')
    .option('--executor-data <folder>', 'where snapshots for undos go; default: of the data folder')
    .option('--database-urls <folder>', 'as for deed prepare, for services that are deployed apart')
    .addHelpText(
      'after',
      `
${SERVERS}
What ran when the backup was made is observed before it is done again; what was
done since the backup, Deed does not know. Until the last commit no service
starts on the database; a restore that was killed is run again.

Examples:
  deed restore backups/monday --data-dir elsewhere/.deed
  deed down && deed restore backups/monday --yes && deed up`,
    )
    .action(async (folder: string, options: RestoreOptions, command: Command) => {
      const shell = shellOf(command, process.cwd())
      const { out } = shell
      const begun = performance.now()
      const { checkBackup, restoreBackup } = await import('@deed/local/restore')
      using _busy = out.busy('restoring')
      const progress = (step: string): void => out.progress(step)
      const { replicas, ...where } = at(shell, options)
      const list = options.check
        ? await checkBackup(resolve(folder))
        : await restoreBackup({
            ...where,
            ...{ folder, replicas, progress },
            databaseUrls: options.databaseUrls,
            replace: options.yes === true,
          })
      const ms = performance.now() - begun
      out.document({ restored: !options.check, made_at: list.made_at, release: list.release, ...amounts(list), ms })
      const done = options.check ? 'whole, and can be restored' : `restored in ${duration(ms)}`
      out.print(`the backup of ${list.made_at} is ${done}: ${amountsText(list)}`)
      if (!options.check) out.print(`Then: ${deedCommand('up')}, and ${deedCommand('audit verify')}`)
    })
}

function at(
  { env, dataDir }: Shell,
  { executorData }: BackupOptions,
): StoresAt & { executorData: string | undefined; replicas: number } {
  const environment = readEnvironment(Environment, env)
  const config = runningMesh(dataDir)?.config ?? environment.DEED_CONFIG
  const elsewhere = env.DATABASE_URL !== undefined && env.NATS_URL !== undefined
  return {
    dataDir,
    adminUrl: environment.DATABASE_URL,
    nats: env.NATS_URL ? busAddress(environment) : undefined,
    executorData: executorData ?? (elsewhere ? undefined : join(dataDir, 'executor')),
    replicas: readExecutionConfig(config, env).streams.replicas,
  }
}

interface Listed {
  tables: readonly { schema: string; table: string; rows: number }[]
  streams: readonly { head: { state: { messages: number } } }[]
  snapshots: { files: number; bytes: number } | null
}

const amounts = ({ tables, streams, snapshots }: Listed) => ({
  executions: tables.find(({ schema, table }) => schema === 'orchestrator' && table === 'executions')?.rows ?? 0,
  rows: tables.reduce((sum, { rows }) => sum + rows, 0),
  messages: streams.reduce((sum, { head }) => sum + head.state.messages, 0),
  snapshots: snapshots?.files ?? null,
})

function amountsText(list: Listed): string {
  const { executions, rows, messages, snapshots } = amounts(list)
  const undo = snapshots === null ? 'nothing for undos' : `${counted(snapshots, 'file')} for undos`
  return `${counted(executions, 'execution')}, ${counted(rows, 'row')}, ${counted(messages, 'message')}, ${undo}`
}
