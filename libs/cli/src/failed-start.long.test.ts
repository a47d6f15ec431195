// A start that cannot be: it is said within seconds, with what to change, and nothing is left running.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { installedBinary } from '@deed/local/nats'
import { type EmbeddedPostgres, startPostgres } from '@deed/local/postgres'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** On a quiet machine it is 10 s; a busy one is late, not wrong. */
const MS_MAX = 60_000

/** Each starts several meshes, one after the other. */
const TEST_MS_MAX = 300_000

const opened = new AsyncDisposableStack()
let folder: string
let postgres: EmbeddedPostgres
let silent: Server
let started = 0

beforeAll(async () => {
  folder = opened.use(temporaryFolder()).path
  postgres = opened.use(await startPostgres({ dataDir: join(folder, 'postgres') }))
  silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  opened.defer(() => void silent.close())
})
afterAll(() => opened.disposeAsync())

const portOf = (server: Server): number => (server.address() as { port: number }).port

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  await new Promise((closed) => server.close(closed))
  return port
}

/** Processes whose command line or environment names the folder. */
function leftIn(place: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .filter((pid) => {
      try {
        return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(place))
      } catch {
        return false
      }
    })
}

/** Starts the mesh in a folder of its own, attached and in the background, and expects to be refused both times. */
async function refusalOf(env: Record<string, string>, config = 'workspaces: { main: { root: . } }\n'): Promise<string> {
  const place = join(folder, `try-${++started}`)
  mkdirSync(place)
  writeFileSync(join(place, 'execution.yaml'), config)
  const begun = performance.now()
  const said = await Promise.all(
    [[], ['--detach']].map(async (more, index) => {
      const run = startDeed(join(place, `data-${index}`), ['up', ...more], { cwd: place, env })
      opened.defer(() => void run.child.kill('SIGKILL'))
      const { code, stderr } = await run.ended
      expect({ code, stderr }).toMatchObject({ code: 78 })
      expect(performance.now() - begun).toBeLessThan(MS_MAX)
      return stderr.slice(stderr.indexOf('invalid_request'))
    }),
  )
  await until(() => leftIn(place).length === 0, { timeoutMs: MS_MAX, what: 'the end of all that was started' })
  expect(said[1]).toBe(said[0])
  return said[0] ?? ''
}

async function asAdmin(...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

const databaseAs = (user: string, password: string, database = 'postgres'): string => {
  const url = new URL(postgres.url)
  Object.assign(url, { username: user, password, pathname: `/${database}` })
  return url.href
}

describe('a mesh on servers that somebody else runs', { timeout: TEST_MS_MAX }, () => {
  it('is refused where no PostgreSQL answers, with its address', async () => {
    const port = await closedPort()
    const refusal = await refusalOf({ DATABASE_URL: `postgres://me:pass@127.0.0.1:${port}/db` })
    expect(refusal).toContain(`DATABASE_URL: no PostgreSQL answers at 127.0.0.1:${port}`)
    expect(refusal).not.toContain('pass@')
  })

  it('is refused where a port takes connections and says nothing', async () => {
    const port = portOf(silent)
    expect(await refusalOf({ DATABASE_URL: `postgres://me@127.0.0.1:${port}/db` })).toContain(`127.0.0.1:${port}`)
    expect(await refusalOf({ NATS_URL: `nats://127.0.0.1:${port}` })).toContain(`127.0.0.1:${port}`)
  })

  it('is refused where no NATS server answers, or it lets the user not in, or keeps no streams', async () => {
    const port = await closedPort()
    const url = `nats://team:secret@127.0.0.1:${port}`
    expect(await refusalOf({ NATS_URL: url })).toContain(`NATS_URL: no NATS server answers at 127.0.0.1:${port}`)
    const config = join(folder, 'nats.conf')
    writeFileSync(
      config,
      `listen: "127.0.0.1:${port}"\nauthorization { users: [{ user: "team", password: "secret" }] }\n`,
    )
    const server = spawn(installedBinary(), ['--config', config], { stdio: 'ignore' })
    opened.defer(() => void server.kill('SIGKILL'))
    await until(() => refusalOf({ NATS_URL: url }).then((said) => said.includes('JetStream is off') || undefined), {
      timeoutMs: 60_000,
      what: 'the server',
    })
    const wrong = await refusalOf({ NATS_URL: `127.0.0.1:${port}`, NATS_USER: 'team', NATS_PASSWORD: 'wrong' })
    expect(wrong).toContain(`127.0.0.1:${port} does not let the user team in`)
    expect(wrong).not.toContain('wrong')
    expect(await refusalOf({ NATS_URL: 'nats://' })).toContain('nats://host:4222')
  })

  it('is refused where the role may not come in or prepare the database, with what to grant', async () => {
    const address = new URL(postgres.url).host
    const wrong = await refusalOf({ DATABASE_URL: databaseAs('deed', 'wrong') })
    expect(wrong).toContain(`the PostgreSQL at ${address} refuses the login of the role deed`)
    expect(await refusalOf({ DATABASE_URL: databaseAs('deed', new URL(postgres.url).password, 'none') })).toContain(
      'has no database none',
    )
    await asAdmin(`create role small login password 'small'`, 'create database plain')
    const small = databaseAs('small', 'small', 'plain')
    const refusal = await refusalOf({ DATABASE_URL: small })
    expect(refusal).toContain(`the role small may not prepare the database plain at ${address}`)
    const grants = refusal.split('\n').filter((line) => /^ {2}(ALTER|GRANT)/.test(line))
    expect(grants).toHaveLength(2)

    // What it says is enough.
    await asAdmin(...grants)
    const place = join(folder, 'granted')
    mkdirSync(place)
    const mesh = startDeed(join(place, 'data'), ['up'], { cwd: place, env: { DATABASE_URL: small } })
    opened.defer(() => void mesh.child.kill('SIGKILL'))
    await until(() => mesh.output().includes('ready after') || undefined, { timeoutMs: 60_000, what: 'the mesh' })
    mesh.child.kill('SIGTERM')
    expect((await mesh.ended).code).toBe(0)

    // Another installation has made the roles, and this one may not change them.
    await asAdmin(`create role other login createrole password 'other'`, 'grant create on database plain to other')
    const taken = await refusalOf({ DATABASE_URL: databaseAs('other', 'other', 'plain') })
    expect(taken).toContain(`the PostgreSQL at ${address} does not let the role other prepare the database`)
  })
})

describe('a mesh whose execution.yaml cannot be followed', { timeout: TEST_MS_MAX }, () => {
  it('is refused where variables that it names are not set, all at once', async () => {
    const config = `targets: { shop: { type: sql, url_env: SHOP_URL } }
alerts: { webhooks: [{ url_env: HOOK_URL }] }
secrets: { token: { env: TOKEN } }
`
    const refusal = await refusalOf({ HOOK_URL: '' }, config)
    expect(refusal).toContain('targets.shop.url_env: SHOP_URL is not set')
    expect(refusal).toContain('alerts.webhooks.0.url_env: HOOK_URL is not set')
    expect(refusal).toContain('secrets.token.env: TOKEN is not set')
  })

  it('is refused where a runbook has a kind or a target that there is not, with the line', async () => {
    const config = `targets:
  api: { type: process, command: [node] }
runbooks:
  go:
    steps:
      - { name: a, kind: service.strat, input: { target: api } }
      - { name: b, kind: service.start, input: { target: appi } }
`
    const refusal = await refusalOf({}, config)
    expect(refusal).toContain(
      'runbooks.go.steps.0.kind: no kind "service.strat"; did you mean "service.start"? (line 6)',
    )
    expect(refusal).toContain('runbooks.go.steps.1.input.target: no target "appi"; did you mean "api"? (line 7)')
  })

  it('is refused with the sentence of the service that cannot use a setting, and stops the others', async () => {
    const rules = join(folder, 'rules')
    mkdirSync(rules)
    writeFileSync(join(rules, 'broken.yaml'), 'rules: nonsense\n')
    const refusal = await refusalOf({ RULES_DIR: rules })
    expect(refusal).toContain('thinking ended with exit code 78 before it was ready\nhybrid-agent: ')
    expect(refusal).toContain('broken.yaml')
    expect(refusal).not.toContain('"level"')
  })
})

it('a start that is interrupted ends what it has begun', { timeout: TEST_MS_MAX }, async () => {
  const place = join(folder, 'interrupted')
  mkdirSync(place)
  const mesh = startDeed(join(place, 'data'), ['up'], { cwd: place })
  opened.defer(() => void mesh.child.kill('SIGKILL'))
  await until(() => existsSync(join(place, 'data/mesh/owner.json')) || undefined, {
    timeoutMs: MS_MAX,
    what: 'its beginning',
  })
  mesh.child.kill('SIGTERM')
  const { code, stderr } = await mesh.ended
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('stopped before it was ready') })
  await until(() => leftIn(place).length === 0, { timeoutMs: MS_MAX, what: 'the end of all that was started' })
})
