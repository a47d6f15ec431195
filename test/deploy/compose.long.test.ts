// The compose file: what it says, and what it starts, with processes in the place of containers.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createCredentials, seedFile } from '@deed/local/credentials'
import { createDatabaseUrls } from '@deed/local/database-urls'
import { freePort } from '@deed/local/kept-port'
import { installedBinary } from '@deed/local/nats'
import { startPostgres } from '@deed/local/postgres'
import { STORING } from '@deed/local/roles'
import { CONFIGURED, variablesFor } from '@deed/local/service-environment'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { connectBus } from '@deed/mesh/bus'
import { BusEnvironment } from '@deed/mesh/connection'
import { ensureIntake } from '@deed/mesh/work-queue'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { until } from '@deed/process/until'
import { SERVICES } from '@deed/proto/contract'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { COMPOSE, composeFile, mountsOf } from './compose.ts'

const ROOT = resolve(COMPOSE, '../..')
const OF_EACH = ['DATABASE_URL_FILE', 'DEED_CONFIG', 'DEED_DATA', 'NODE_COMPILE_CACHE', 'HOME', 'CONSOLE_PORT']

describe('the compose file', () => {
  const { services, secrets } = composeFile()

  it.each(SERVICES)('starts %s with what it reads, on a read-only root, without rights', (service) => {
    const { command, environment, ...container } = services[service]!
    expect(command).toEqual([`services/${service}/src/main.ts`])
    const known = [...Object.keys({ ...BusEnvironment, ...MetricsEnvironment }), ...variablesFor(service), ...OF_EACH]
    expect(Object.keys(environment).filter((name) => !known.includes(name) && !name.startsWith('OTEL_'))).toEqual([])
    expect('DATABASE_URL_FILE' in environment).toBe(STORING.some((storing) => storing === service))
    expect('DEED_CONFIG' in environment).toBe(CONFIGURED.has(service))
    expect(container).toMatchObject({ read_only: true, cap_drop: ['ALL'], user: '1000:1000', stop_grace_period: '45s' })
    const mounts = mountsOf(composeFile(), service)
    expect(mounts.get('/run/secrets/nkey')).toBe(`./secrets/${service}.nk`)
    if ('DATABASE_URL_FILE' in environment)
      expect(mounts.get('/run/secrets/database-url')).toBe(`./secrets/database/${service}.url`)
  })

  it('has the profiles observability and models, and secrets as files alone', () => {
    expect([...new Set(Object.values(services).flatMap(({ profiles }) => profiles))]).toEqual([
      'observability',
      'models',
    ])
    for (const { file } of Object.values(secrets)) expect(file).toMatch(/^\.\/secrets\//)
    for (const { environment } of Object.values(services))
      expect(
        Object.keys(environment).filter((name) => /PASSWORD$|TOKEN|_URL$/.test(name) && name !== 'NATS_URL'),
      ).toEqual([])
  })
})

describe('the cluster that compose.cluster.yaml adds', () => {
  const { services } = parse(readFileSync(join(COMPOSE, 'compose.cluster.yaml'), 'utf8'), { merge: true }) as {
    services: Record<string, { environment: Record<string, string> }>
  }
  const servers = Object.entries(services).flatMap(([name, { environment }]) =>
    environment.NATS_SERVER === undefined ? [] : [name],
  )

  it('is named to every service, and to the job; the console shares the network of the host', () => {
    const urls = servers.map((name) => `nats://${name}:4222`).join(',')
    for (const name of [...SERVICES.filter((service) => service !== 'console'), 'prepare'])
      expect(services[name]?.environment.NATS_URL, name).toBe(urls)
  })

  it('forms of three servers with its configuration, and keeps streams three times', async () => {
    await using opened = new AsyncDisposableStack()
    const folder = opened.use(temporaryFolder())
    createCredentials(join(folder.path, 'secrets'), [])
    const nodes = await Promise.all(
      servers.map(async (name) => ({ name, port: await freePort(), route: await freePort() })),
    )
    for (const { name, port, route } of nodes) {
      const text = readFileSync(join(COMPOSE, 'nats-cluster.conf'), 'utf8')
        .replace('port: 4222', `listen: "127.0.0.1:${port}"`)
        .replace('http: 127.0.0.1:8222\n', '')
        .replace('port: 6222', `listen: "127.0.0.1:${route}"`)
        .replace('store_dir: /data', `store_dir: ${JSON.stringify(join(folder.path, name))}`)
        .replace('include accounts.conf', 'include secrets/accounts.conf')
      const here = nodes.reduce((all, one) => all.replace(`//${one.name}:6222`, `//127.0.0.1:${one.route}`), text)
      writeFileSync(join(folder.path, `${name}.conf`), here)
      const child = spawn(installedBinary(), ['--config', join(folder.path, `${name}.conf`)], {
        env: { NATS_SERVER: name },
        stdio: 'ignore',
      })
      opened.defer(async () => {
        if (child.kill('SIGTERM')) await once(child, 'exit')
      })
    }
    const url = nodes.map(({ port }) => `nats://127.0.0.1:${port}`).join(',')
    const nkeyFile = seedFile(join(folder.path, 'secrets'), 'bootstrap')
    const bus = opened.use(await connectBus({ service: 'bootstrap', url, nkeyFile }))
    await until(() => ensureIntake(bus.nc, 'local', 3).then(() => true), { what: 'the cluster', timeoutMs: 60_000 })
    const { cluster } = await (await bus.nc.jetstreamManager()).streams.info('EXECUTION_INTAKE_local')
    expect([cluster?.leader, ...(cluster?.replicas ?? []).map(({ name }) => name)].sort()).toEqual([...servers].sort())
  })
})

describe('services that are started as the compose file says', () => {
  const opened = new AsyncDisposableStack()
  afterAll(() => opened.disposeAsync())

  it('are prepared by the job, become ready, and do a task for a client that may not see approvals', async () => {
    const folder = opened.use(temporaryFolder())
    const secrets = join(folder.path, 'secrets')
    const postgres = opened.use(await startPostgres({ dataDir: join(folder.path, 'postgres') }))
    const nats = `nats://127.0.0.1:${await freePort()}`
    createCredentials(secrets, [])
    const server = new URL(postgres.url)
    for (const part of ['username', 'password'] as const) server[part] = ''
    createDatabaseUrls(join(secrets, 'database'), server.href)
    writeFileSync(join(secrets, 'database/admin.url'), postgres.url)
    writeFileSync(join(folder.path, 'execution.yaml'), 'workspaces:\n  work: { root: ./work }\n')
    mkdirSync(join(folder.path, 'work'))
    const accounts = join(secrets, 'accounts.conf')
    const config = join(folder.path, 'nats.conf')
    const store = join(folder.path, 'jetstream')
    writeFileSync(
      config,
      `listen: "${new URL(nats).host}"\njetstream { store_dir: "${store}" }\ninclude "secrets/accounts.conf"\n`,
    )
    expect(spawnSync(installedBinary(), ['-t', '--config', accounts]).status).toBe(0)
    run(installedBinary(), ['--config', config], {})

    const file = composeFile({ CONSOLE_PORT: '0' })
    /** As the container has it, with paths and addresses of this machine. */
    const environmentOf = (name: string, port: number): Record<string, string> => {
      const mounts = [...mountsOf(file, name)].sort(([a], [b]) => b.length - a.length)
      const here = (value: string): string => {
        const mount = mounts.find(([target]) => value === target || value.startsWith(`${target}/`))
        if (mount) return join(folder.path, mount[1], value.slice(mount[0].length))
        return value === '/data' || value.startsWith('/tmp') ? join(folder.path, name, value) : value
      }
      const given = Object.entries(file.services[name]!.environment).map(([key, value]) => [key, here(value)])
      const places = { NATS_URL: nats, METRICS_HOST: '127.0.0.1', METRICS_PORT: String(port) }
      return { PATH: process.env.PATH ?? '', ...Object.fromEntries(given), ...places, DEED_CONFINE: '' }
    }

    const job = file.services.prepare!.command.map((word) =>
      word.replace('/run/secrets/databases', join(secrets, 'database')),
    )
    const prepared = await ended(run(process.execPath, job, environmentOf('prepare', 0)))
    expect(prepared).toBe(0)

    const ready = await Promise.all(
      SERVICES.map(async (service) => {
        const port = await freePort()
        run(
          process.execPath,
          ['--import', '@deed/telemetry/preload', ...file.services[service]!.command],
          environmentOf(service, port),
        )
        const answers = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
        await until(() => answers().catch(() => false), { what: `${service} to be ready`, timeoutMs: 180_000 })
        return service
      }),
    )
    expect(ready).toEqual([...SERVICES])

    const env = {
      PATH: process.env.PATH,
      NATS_URL: nats,
      NATS_USER: 'client',
      NATS_NKEY_FILE: seedFile(secrets, 'client'),
    }
    const test = spawnSync(process.execPath, ['deploy/docker/test-release.mjs'], { cwd: ROOT, env, encoding: 'utf8' })
    expect(test.stdout + test.stderr).toBe(
      'ok: a task is done and verified\nok: a client may not see what only an approver may\n',
    )
  })

  function run(program: string, args: readonly string[], env: Record<string, string>) {
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 1, 2] })
    opened.defer(async () => {
      if (child.exitCode !== null || !child.kill('SIGTERM')) return
      await once(child, 'exit')
    })
    return child
  }

  const ended = async (child: ReturnType<typeof run>): Promise<number | null> => {
    const [code] = (await once(child, 'exit')) as [number | null]
    return code
  }
})
