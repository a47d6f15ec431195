/** Durable execution elsewhere, in the same minutes. Its packages are no dependencies: npm installs them for one run. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@deed/local/kept-port'
import { startPostgres } from '@deed/local/postgres'
import { until } from '@deed/process/until'
import { startChild } from '../child-process.ts'
import { freshFolder } from '../fresh-folder.ts'
import { latencyFigures } from '../load.ts'
import { type Costs, costFigures, countCosts, cpuByProcess, cpuTotal, sumOfCosts } from '../process-costs.ts'
import type { Line, Scenario, Settings, Side } from '../scenario.ts'
import { warmUp } from '../warm-up.ts'
import { checkFiles } from '../written-files.ts'
import type { PeerJob, PeerMessage, PeerName } from './peer.ts'

interface Peer {
  name: PeerName
  summary: string
  /** The first is the peer. */
  packages: readonly string[]
  /** A program that must be on the PATH. */
  needs?: string
  /** @returns the URL of its database, and the pid of that */
  database(folder: string, opened: AsyncDisposableStack): Promise<{ url: string; pid: number }>
}

const IN_FLIGHT = [1, 64]
const RUN = 'peer'

export const PEERS: readonly Scenario[] = [
  scenarioOf({
    name: 'bullmq',
    summary: 'a job of three steps in Redis, each command synced',
    packages: ['bullmq@6.7.0', 'ioredis@6.0.0'],
    needs: 'redis-server',
    database: startRedis,
  }),
  scenarioOf({
    name: 'dbos',
    summary: 'a workflow of three steps in PostgreSQL',
    packages: ['@dbos-inc/dbos-sdk@5.3.0'],
    async database(folder, opened) {
      return opened.use(await startPostgres({ dataDir: join(folder, 'postgres') }))
    },
  }),
]

function scenarioOf(peer: Peer): Scenario {
  const name = `peer.${peer.name}`
  return {
    name,
    summary: peer.summary,
    ofTheMachine: true,
    async run(settings, opened) {
      if (peer.needs !== undefined && spawnSync(peer.needs, ['--version']).error)
        return [{ scenario: name, skipped: `no ${peer.needs}` }]
      const packages = opened.use(freshFolder()).path
      const fault = await install(packages, peer.packages)
      if (fault !== undefined) return [{ scenario: name, skipped: fault }]
      const lines: Line[] = []
      for (const inFlight of IN_FLIGHT) {
        await using own = new AsyncDisposableStack()
        lines.push(await measure(peer, inFlight, packages, settings, opened.use(own)))
      }
      return lines
    },
  }
}

async function measure(
  peer: Peer,
  inFlight: number,
  packages: string,
  { seconds }: Settings,
  opened: AsyncDisposableStack,
): Promise<Line> {
  const folder = opened.use(freshFolder()).path
  const workspace = join(folder, 'workspace')
  mkdirSync(workspace)
  const { url, pid } = await peer.database(folder, opened)
  const child = opened.use(await startChild<PeerJob, PeerMessage>(new URL('./peer.ts', import.meta.url)))
  child.send({ type: 'start', peer: peer.name, packages, url, workspace, run: RUN, inFlight })
  await child.next('ready')
  const roots = { [peer.name]: child.pid, [peer.needs ?? 'postgres']: pid }
  const measured: { latencies: number[]; seconds: number; costs: Costs }[] = []
  let done = 0
  const slice = async (durationMs: number) => {
    const ended = countCosts(roots)
    child.send({ type: 'load', durationMs })
    const { load } = await child.next('loaded')
    done += load.latencies.length
    return { ...load, costs: ended() }
  }
  const lineOf = (slices: typeof measured): Line => {
    const latencies = slices.flatMap(({ latencies }) => latencies)
    const costs = sumOfCosts(slices.map(({ costs }) => costs))
    return {
      scenario: `peer.${peer.name}`,
      ...latencyFigures({ latencies, seconds: slices.reduce((sum, one) => sum + one.seconds, 0) }),
      ...costFigures(costs, latencies.length),
      ...{ executions: latencies.length, in_flight: inFlight, package: peer.packages[0] },
      cpu_by_process: cpuByProcess(costs, latencies.length / 1000),
    }
  }
  const side: Side = {
    async warm(durationMs) {
      const { latencies, costs } = await slice(durationMs)
      return (cpuTotal(costs) ?? latencies.reduce((sum, ms) => sum + ms, 0)) / latencies.length
    },
    async slice(durationMs) {
      const one = await slice(durationMs)
      measured.push(one)
      return lineOf([one])
    },
    async finish() {
      checkFiles(workspace, RUN, done)
      return lineOf(measured)
    },
  }
  const warm = await warmUp([side], seconds)
  await side.slice(seconds * 1000)
  return { ...(await side.finish()), ...warm }
}

/** @returns why it could not be installed */
async function install(folder: string, names: readonly string[]): Promise<string | undefined> {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', ...names]
  const npm = spawn('npm', args, { cwd: folder, stdio: 'ignore', shell: process.platform === 'win32' })
  const [code] = await once(npm, 'exit')
  return code === 0 ? undefined : `npm could not install ${names.join(' ')}`
}

/** Every command is on disk before it is answered. */
async function startRedis(folder: string, opened: AsyncDisposableStack): Promise<{ url: string; pid: number }> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '']
  const server = spawn('redis-server', [...args, '--appendonly', 'yes', '--appendfsync', 'always'], { stdio: 'ignore' })
  const exited = once(server, 'exit')
  opened.defer(async () => {
    server.kill('SIGTERM')
    await exited
  })
  const answers = () => spawnSync('redis-cli', ['-p', String(port), 'ping'], { encoding: 'utf8' }).stdout === 'PONG\n'
  await until(answers, { what: 'an answer of redis-server' })
  return { url: `redis://127.0.0.1:${port}`, pid: server.pid ?? 0 }
}
