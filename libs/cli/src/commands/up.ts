/** deed up: the mesh, in the foreground or behind it. */

import { spawn } from 'node:child_process'
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { counted } from '@deed/config/counted'
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { requireVariables } from '@deed/config/require-variables'
import { meshProcess, runningMesh } from '@deed/local/connection-file'
import { openDataFolder } from '@deed/local/data-folder'
import { readThinkers } from '@deed/local/thinkers'
import { until } from '@deed/process/until'
import type { Command } from 'commander'
import { z } from 'zod'
import { enterMesh } from '../connect/connection.ts'
import { linkTo } from '../connect/console-link.ts'
import { natsUrlOf } from '../connect/nats-url.ts'
import { noteRoot } from '../connect/note-root.ts'
import { CONFIG_FILE } from '../connect/project.ts'
import { type Shell, shellOf } from '../connect/shell.ts'
import { consoleAddress, consoleText } from '../show/console.ts'
import { meshFacts, meshText } from '../show/mesh.ts'
import { duration } from '../terminal/amounts.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { listenForInterruption } from '../terminal/interruption.ts'

const START_MS_MAX = 120_000
const TAIL_LINES = 20

interface UpOptions {
  config?: string
  detach?: boolean
}

/** What is started: the file, where there is one, and what it says. */
interface Configured {
  file: string | undefined
  config: ExecutionConfig
}

export function addUp(program: Command): void {
  program
    .command('up')
    .summary('start the mesh')
    .description('Start the mesh: NATS and PostgreSQL where none are given, and every service.')
    .option('-c, --config <file>', `default: $DEED_CONFIG, else ${CONFIG_FILE} here or above`)
    .option('-d, --detach', 'in the background; deed down stops it')
    .addHelpText(
      'after',
      `
Examples:
  deed up
  deed up --detach --config /etc/deed/execution.yaml
  NATS_URL=nats://user:password@host DATABASE_URL=postgres://... deed up

Data lie in .deed beside ${CONFIG_FILE}, or in .deed of the current folder
where there is none; deed init writes an ${CONFIG_FILE}.
NATS_URL and DATABASE_URL name servers to use instead of starting them. With the
accounts of deed info --nats-config, NATS_PASSWORD_<USER> of each user is read
as nats-server reads it.

Exit code ${EXIT.configuration}: a setting cannot be used, or a given server does not answer or
lacks a right.`,
    )
    .action(async (options: UpOptions, command: Command) => {
      const shell = shellOf(command, process.cwd())
      const configured = readConfigured(options.config, shell)
      const { dataDir, out } = shell
      const running = runningMesh(dataDir)
      if (running) throw new UsageError(`a mesh runs on ${dataDir} already, as process ${running.process.pid}`)
      const starting = meshProcess(dataDir)
      if (starting)
        throw new UsageError(`the mesh of process ${starting.pid} uses ${dataDir}; \`${deedCommand('down')}\` ends it`)
      out.note(meshText({ ...configured, dataDir, env: shell.env }))
      if (options.detach) await startBehind(shell, configured)
      else await runUp(shell, configured)
    })
}

/** Read here too, so that what is wrong with it is said before anything is started. */
function readConfigured(given: string | undefined, { env, project }: Shell): Configured {
  const named = given ?? (env.DEED_CONFIG || undefined)
  const own = join(project, CONFIG_FILE)
  const file = named === undefined ? (existsSync(own) ? own : undefined) : resolve(named)
  const config = readExecutionConfig(file, env)
  requireVariables(config, env)
  return { file, config }
}

async function runUp({ env, dataDir, out }: Shell, { file, config }: Configured): Promise<void> {
  const interruption = listenForInterruption()
  const begun = performance.now()
  const stop = new AbortController()
  void interruption.received.then(() => stop.abort())
  // Servers and their clients, which no other command needs.
  const { startMesh } = await import('@deed/local/local-mesh')
  const mesh = await startMesh({
    dataDir,
    config: file,
    natsUrl: natsUrlOf(env),
    databaseUrl: env.DATABASE_URL || undefined,
    thinkers: readThinkers(env),
    progress: (step) => out.note(step),
    signal: stop.signal,
  }).catch((error: unknown) => {
    if (!interruption.happened) throw error
    out.note('stopped before it was ready')
    process.exit(EXIT.failed)
  })
  if (!interruption.happened) {
    noteRoot(out)
    const { nats_url } = mesh.connection
    const metrics = Object.fromEntries(
      mesh.services.flatMap(({ service, metricsUrl }) => (metricsUrl === undefined ? [] : [[service, metricsUrl]])),
    )
    await using bus = await enterMesh(env, { ...mesh.connection, users: {}, source: dataDir })
    const link = await linkTo(bus, mesh.services)
    out.document({
      status: 'ready',
      pid: process.pid,
      nats_url,
      console: link === undefined ? null : consoleAddress(link),
      metrics,
      ...meshFacts({ file, config, dataDir }),
    })
    out.print(
      `ready after ${duration(performance.now() - begun)}: ${counted(mesh.services.length, 'service')} at ${nats_url}, data in ${dataDir}\n${Object.entries(
        metrics,
      )
        .map(([service, url]) => `metrics of ${service} at ${url}\n`)
        .join('')}${link === undefined ? '' : `${consoleText(link, out)}\n`}Ctrl+C stops it.`,
    )
  }
  await interruption.received
  out.note('draining')
  await mesh[Symbol.asyncDispose]()
  // Whatever still holds the process has nothing left to do.
  process.exit(0)
}

/** The last line that a mesh in the background writes when it does not start. */
const Refusal = z.object({ error: z.object({ message: z.string() }) })

async function startBehind({ env, dataDir, out }: Shell, { file, config }: Configured): Promise<void> {
  const logs = join(dataDir, 'logs')
  openDataFolder(dataDir)
  mkdirSync(logs, { recursive: true, mode: 0o700 })
  const logFile = join(logs, 'mesh.log')
  const log = openSync(logFile, 'a', 0o600)
  const logFrom = fstatSync(log).size
  const args = [resolve(import.meta.dirname, `../main${MODULE_EXTENSION}`), '--json', 'up', '--data-dir', dataDir]
  const child = spawn(process.execPath, [...args, ...(file === undefined ? [] : ['--config', file])], {
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
  using _busy = out.busy('starting')
  const mesh = await until(
    () => {
      if (code !== undefined) return { code }
      const running = runningMesh(dataDir)
      return running?.process.pid === child.pid ? running : undefined
    },
    { timeoutMs: START_MS_MAX, what: `the mesh, whose log is ${logFile},` },
  ).catch((error: unknown) => {
    child.kill('SIGTERM')
    throw error
  })
  if ('code' in mesh) throw failedStart(mesh.code, logFile, readFileSync(logFile).subarray(logFrom).toString())
  child.unref()
  noteRoot(out)
  const { nats_url, process: own } = mesh
  out.document({ status: 'ready', pid: own.pid, nats_url, ...meshFacts({ file, config, dataDir }) })
  out.print(
    `The mesh runs in the background as process ${own.pid}, at ${nats_url}.\nStop it with\n  ${deedCommand('down')}`,
  )
}

/** @param written what the mesh in the background has written to its log */
function failedStart(code: number | null, logFile: string, written: string): Error {
  const lines = written.trimEnd().split('\n')
  const refusal = lines.findLast((line) => line.startsWith('{"error":'))
  const message = refusal && Refusal.parse(JSON.parse(refusal)).error.message
  if (message && code === EXIT.configuration) return new ConfigError(message)
  const why = message ?? lines.slice(-TAIL_LINES).join('\n')
  return new Error(`the mesh did not start (exit code ${code}); its log is ${logFile}\n${why}`)
}
