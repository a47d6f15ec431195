/** A cluster of three nats-servers on this machine, with the users of the mesh. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountsConfiguration, passwordLogin } from '@deed/local/accounts-configuration'
import { freePort } from '@deed/local/kept-port'
import { installedBinary, NATS_USERS } from '@deed/local/nats'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { accountsOf, systemAccount } from '@deed/proto/accounts'
import { CALLERS, passwordVariable } from '@deed/proto/permissions'

export const SERVERS = 3
const FORMED_MS_MAX = 60_000

export interface NatsCluster extends AsyncDisposable {
  /** All servers with the login of the user `deed`, for NATS_URL. */
  readonly url: string
  /** The passwords of the users, for the environment of a mesh. */
  readonly env: Record<string, string>
  /** Kills the server that leads a stream, and does not wait for another leader. @returns its name */
  killLeaderOf(stream: string): Promise<string>
  /** Starts the servers that were killed. */
  revive(): void
}

/** Starts the servers, and waits until the cluster keeps streams. */
export async function natsCluster(): Promise<NatsCluster> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(temporaryFolder()).path
  const password = randomBytes(12).toString('hex')
  const accounts = accountsConfiguration([systemAccount('system'), ...accountsOf(CALLERS)], (user) => [
    passwordLogin(user, JSON.stringify(password)),
  ])
  const nodes = await Promise.all(
    Array.from({ length: SERVERS }, async (_, index) => ({
      name: `deed-${index}`,
      port: await freePort(),
      route: await freePort(),
    })),
  )
  const routes = nodes.map(({ route }) => `"nats://127.0.0.1:${route}"`).join(', ')
  const running = new Map<string, ChildProcess>()
  const start = (name: string): void => {
    const server = spawn(installedBinary(), ['--config', join(folder, `${name}.conf`)], { stdio: 'ignore' })
    running.set(name, server)
  }
  for (const { name, port, route } of nodes) {
    writeFileSync(
      join(folder, `${name}.conf`),
      `server_name: ${name}
listen: "127.0.0.1:${port}"
cluster { name: deed, listen: "127.0.0.1:${route}", routes: [${routes}] }
jetstream { store_dir: ${JSON.stringify(join(folder, name))}, sync_interval: always, max_memory_store: 1GB }
${accounts}
`,
      { mode: 0o600 },
    )
    start(name)
  }
  opened.defer(async () => {
    const alive = [...running.values()].filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    for (const server of alive) server.kill('SIGKILL')
    await Promise.all(alive.map((server) => once(server, 'exit')))
  })
  const servers = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const login = { service: 'bootstrap', user: 'bootstrap', password, url: servers.join(',') }
  const operator = opened.use(await connectBus(login))
  const jsm = await operator.nc.jetstreamManager({ checkAPI: false })
  // Servers join one by one; a stream with a replica on each shows that all did.
  await until(() => jsm.streams.add({ name: 'FORMED', subjects: ['formed'], num_replicas: SERVERS }), {
    what: 'a cluster of three',
    timeoutMs: FORMED_MS_MAX,
  })
  await jsm.streams.delete('FORMED')
  const kept = opened.move()
  return {
    url: servers.map((server) => `nats://deed:${password}@${server}`).join(','),
    env: Object.fromEntries(NATS_USERS.map((user) => [passwordVariable(user), password])),
    async killLeaderOf(stream) {
      const { cluster } = await jsm.streams.info(stream)
      const leader = cluster?.leader ?? ''
      const server = running.get(leader)
      if (!server) throw new Error(`the stream ${stream} has no leader`)
      server.kill('SIGKILL')
      await once(server, 'exit')
      running.delete(leader)
      return leader
    },
    revive() {
      for (const { name } of nodes) if (!running.has(name)) start(name)
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
