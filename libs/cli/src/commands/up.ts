/** deed up: the mesh, in the foreground or behind it. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readExecutionConfig } from '@deed/config/execution-config'
import { openDataFolder } from '@deed/embedded/data-folder'
import { runningMesh } from '@deed/mesh/connection-file'
import { until } from '@deed/mesh/until'
import type { Command } from 'commander'
import { UsageError } from '../exit-code.ts'
import { listenForInterruption } from '../interruption.ts'
import { noteRoot } from '../note-root.ts'
import { type Shell, shellOf } from '../shell.ts'

const CONFIG_FILE = 'execution.yaml'
const START_MS_MAX = 120_000
const TAIL_LINES = 20

interface UpOptions {
  config?: string
  detach?: boolean
}

export function addUp(program: Command): void {
  program
    .command('up')
    .description('start the mesh: NATS and PostgreSQL where none are given, and every service')
    .option('-c, --config <file>', `default: $DEED_CONFIG, else ./${CONFIG_FILE} where it exists`)
    .option('-d, --detach', 'in the background; `deed down` stops it')
    .addHelpText(
      'after',
      `
Examples:
  deed up
  deed up --detach --config deploy/execution.example.yaml
  NATS_URL=nats://user:password@nats.example.com DATABASE_URL=postgres://... deed up

NATS_URL and DATABASE_URL name servers to use instead of starting them.`,
    )
    .action(async (options: UpOptions, command: Command) => {
      const shell = shellOf(command)
      const config = configFile(options.config, shell.env)
      const running = runningMesh(shell.dataDir)
      if (running) throw new UsageError(`a mesh runs on ${shell.dataDir} already, as process ${running.process.pid}`)
      if (options.detach) await startBehind(shell, config)
      else await runUp(shell, config)
    })
}

/** Read here too, so that what is wrong with it is said before anything is started. */
function configFile(given: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const file = given ?? (env.DEED_CONFIG || (existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined))
  if (file === undefined) return undefined
  try {
    readExecutionConfig(file, env)
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
  return resolve(file)
}

async function runUp({ env, dataDir, out }: Shell, config: string | undefined): Promise<void> {
  const interruption = listenForInterruption()
  const begun = performance.now()
  // Servers and their clients, which no other command needs.
  const { startMesh } = await import('@deed/mesh/local-mesh')
  const mesh = await startMesh({
    dataDir,
    config,
    natsUrl: natsUrlOf(env),
    databaseUrl: env.DATABASE_URL || undefined,
    progress: (step) => out.note(step),
  })
  if (!interruption.happened) {
    const facts = { pid: process.pid, data_dir: dataDir, nats_url: mesh.connection.nats_url, config: config ?? null }
    noteRoot(out)
    out.document({ status: 'ready', ...facts })
    out.print(
      `ready after ${Math.round(performance.now() - begun)} ms: ${mesh.services.length} services at ${facts.nats_url}, data in ${dataDir}\nCtrl+C stops it.`,
    )
  }
  await interruption.received
  out.note('draining')
  await mesh[Symbol.asyncDispose]()
  // Whatever still holds the process has nothing left to do.
  process.exit(0)
}

/** User and password may also be given beside the URL. */
function natsUrlOf({
  NATS_URL: text,
  NATS_USER: user,
  NATS_PASSWORD: password,
}: NodeJS.ProcessEnv): string | undefined {
  if (!text) return undefined
  const url = new URL(text.includes('://') ? text : `nats://${text}`)
  if (user) url.username = encodeURIComponent(user)
  if (password) url.password = encodeURIComponent(password)
  return url.href
}

async function startBehind({ env, dataDir, out }: Shell, config: string | undefined): Promise<void> {
  const logs = join(dataDir, 'logs')
  openDataFolder(dataDir)
  mkdirSync(logs, { recursive: true, mode: 0o700 })
  const logFile = join(logs, 'mesh.log')
  const log = openSync(logFile, 'a', 0o600)
  const args = [resolve(import.meta.dirname, '../main.ts'), 'up', '--data-dir', dataDir]
  const child = spawn(process.execPath, [...args, ...(config === undefined ? [] : ['--config', config])], {
    detached: true,
    stdio: ['ignore', log, log],
    env,
  })
  closeSync(log)
  let code: number | null | undefined
  child.once('exit', (exitCode) => {
    code = exitCode
  })
  out.note(`starting the mesh on ${dataDir}`)
  const mesh = await until(
    () => {
      if (code !== undefined) {
        const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
        return { failed: `the mesh did not start (exit code ${code})\n${tail}` }
      }
      const running = runningMesh(dataDir)
      return running?.process.pid === child.pid ? running : undefined
    },
    { timeoutMs: START_MS_MAX, what: `the mesh, whose log is ${logFile},` },
  )
  if ('failed' in mesh) throw new Error(mesh.failed)
  child.unref()
  noteRoot(out)
  const { pid } = mesh.process
  out.document({ status: 'ready', pid, data_dir: dataDir, nats_url: mesh.nats_url, config: config ?? null })
  out.print(
    `The mesh runs in the background as process ${pid}, at ${mesh.nats_url}.\nStop it with\n  npx --no-install deed down`,
  )
}
