// What a running mesh shows to other users of its host: environments, files and ports of its processes, as the kernel has them.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { ask } from '@deed/drill/harness/ask'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import type { ServiceName } from '@deed/proto/contract'
import { SERVICES } from '@deed/proto/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const CANARY = 'canary-of-the-shell'
/** Variables of the shell that starts the mesh, each with a value of its own, and who may have it. */
const SHELL: Record<string, readonly (ServiceName | 'nobody')[]> = {
  SHELF_URL: ['executor'],
  SHELF_TOKEN: ['executor', 'orchestrator'],
  PAGER_URL: ['orchestrator'],
  PAGER_KEY: ['orchestrator'],
  KUBECONFIG: ['executor'],
  OLLAMA_HOST: ['hybrid-agent'],
  ANTHROPIC_API_KEY: ['hybrid-agent'],
  AWS_SECRET_ACCESS_KEY: ['nobody'],
  GITHUB_TOKEN: ['nobody'],
  DEED_CANARY: ['nobody'],
  ORCHESTRATOR_CANARY: ['nobody'],
  PGPASSWORD: ['nobody'],
  PGOPTIONS: ['nobody'],
  NATS_CANARY: ['nobody'],
  NODE_CANARY: ['nobody'],
}
const valueFor = (name: string): string => {
  if (name.endsWith('_URL') || name === 'OLLAMA_HOST') return `http://127.0.0.1:1/${CANARY}-${name}`
  return name === 'PGOPTIONS' ? `-c application_name=${CANARY}` : `${CANARY}-${name}`
}

const EVERY_SERVICE = ['PATH', 'LANG', 'TMPDIR', 'TZ', 'LOG_LEVEL', 'NO_COLOR', 'DEED_TEST', 'NODE_COMPILE_CACHE']
const METRICS = ['METRICS_HOST', 'METRICS_PORT', 'DEED_REVISION']
const BUS = ['NATS_URL', 'NATS_USER', 'NATS_PASSWORD', 'NATS_SERVER_NAME']
const TRACING = ['OTEL_SERVICE_NAME', 'OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG']
const DATABASE = ['DATABASE_URL', 'DATABASE_OWNER_URL']
/** Of the channel by which a service says that it is ready. */
const CHANNEL = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE']
const COMMON = [...EVERY_SERVICE, ...METRICS, ...BUS, ...TRACING, ...CHANNEL, 'DEED_DATA']
const OWN: Record<ServiceName, readonly string[]> = {
  orchestrator: [...DATABASE, 'DEED_CONFIG', 'ORCHESTRATOR_LEASE_MS'],
  'template-optimizer': DATABASE,
  'task-decomposer': [],
  'hybrid-agent': [...DATABASE, 'DEED_CONFIG'],
  executor: [...DATABASE, 'DEED_CONFIG', 'HOME', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'],
  'semantic-cache': [...DATABASE, 'DEED_CONFIG'],
  console: ['DEED_CONFIG', 'CONSOLE_PORT', 'DEED_LOGS'],
  organization: DATABASE,
}

const ON_LINUX = process.platform === 'linux'

describe.skipIf(!ON_LINUX)(`a running mesh${ON_LINUX ? '' : ' (skipped: needs the /proc of Linux)'}`, () => {
  let under: MeshUnderTest
  const before = { ...process.env }
  beforeAll(async () => {
    for (const name of Object.keys(SHELL)) process.env[name] = valueFor(name)
    under = await meshUnderTest({
      thinkers: 'apart',
      config: `
targets: { shelf: { type: http, url_env: SHELF_URL } }
secrets: { shelf: { env: SHELF_TOKEN } }
alerts: { webhooks: [{ url_env: PAGER_URL, secret_env: PAGER_KEY }] }
`,
      env: { METRICS_PORT: '0' },
    })
    expect(await ask(under.client, { task: 'write "x" to a.txt', idempotency_key: 'a' })).toMatchObject({
      status: 'done',
    })
  }, 120_000)
  afterAll(async () => {
    for (const name of Object.keys(SHELL)) delete process.env[name]
    Object.assign(process.env, before)
    await under?.[Symbol.asyncDispose]()
  }, 60_000)

  it('gives each service the variables that it reads, and no more', () => {
    for (const service of SERVICES) {
      const names = [...variables(under.mesh.service(service).pid!).keys()]
      const may = Object.keys(SHELL).filter((name) => SHELL[name]!.includes(service))
      const allowed = new Set([...COMMON, ...OWN[service], ...may])
      expect({ service, beyond: names.filter((name) => !allowed.has(name)) }).toEqual({ service, beyond: [] })
      expect(names).toEqual(expect.arrayContaining([...may, 'NATS_PASSWORD']))
    }
  })

  it('gives each service a database role and a NATS user of its own', () => {
    const withTables = SERVICES.filter((service) => OWN[service].includes('DATABASE_URL'))
    const rights = withTables.map((service) => {
      const had = variables(under.mesh.service(service).pid!)
      const [role, owner] = DATABASE.map((name) => new URL(had.get(name)!).username)
      return { service, role, owner, user: had.get('NATS_USER') }
    })
    const named = (service: string) => service.replaceAll('-', '_')
    expect(rights).toEqual(
      withTables.map((service) => ({
        service,
        role: `deed_${named(service)}`,
        owner: `deed_${named(service)}_owner`,
        user: service,
      })),
    )
  })

  it('gives the servers a clean environment, and what they start as well', () => {
    const services = new Set(under.mesh.services.map(({ pid }) => pid))
    const others = descendants(process.pid).filter((pid) => !services.has(pid))
    const servers = others.filter((pid) => [under.mesh.nats!.pid, under.mesh.postgres!.pid].includes(pid))
    expect(servers).toHaveLength(2)
    for (const pid of servers) expect([...variables(pid).keys()].sort()).toEqual(['LC_ALL', 'PATH', 'TZ'])
    expect(others.filter((pid) => environmentOf(pid).includes(CANARY))).toEqual([])
  })

  it('has no file or folder that another user can read, and none is passed through but what PostgreSQL needs', () => {
    const { dataDir } = under.mesh
    const open = everythingIn(dataDir).flatMap((path) => {
      const { mode } = lstatSync(path)
      return mode & 0o077 ? [`${relative(dataDir, path) || '.'} ${(mode & 0o777).toString(8)}`] : []
    })
    // An empty file, which commands see in place of what is protected.
    const found = open.filter((line) => !line.startsWith('executor/sandbox/blank '))
    expect(found).toEqual(process.getuid?.() === 0 ? ['. 711', 'postgres 711'] : [])
    expect(everythingIn(dataDir).length).toBeGreaterThan(100)
  })

  it('listens on the loopback alone', () => {
    const sockets = new Set(descendants(process.pid).flatMap(socketsOf))
    const listening = [...listeners('tcp'), ...listeners('tcp6')].filter(({ inode }) => sockets.has(inode))
    // NATS, PostgreSQL and the metrics at the least.
    expect(listening.length).toBeGreaterThanOrEqual(3)
    expect(listening.filter(({ address }) => !LOOPBACK.has(address))).toEqual([])
  })
})

const LOOPBACK = new Set(['0100007F', '00000000000000000000000001000000'])

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    // It has ended.
    return ''
  }
}

const variables = (pid: number): Map<string, string> =>
  new Map(
    environmentOf(pid)
      .split('\0')
      .filter((line) => line.includes('='))
      .map((line) => line.split(/=(.*)/s, 2) as [string, string]),
  )

function descendants(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): [pid: number, parent: number][] => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])]]
      } catch {
        return []
      }
    })
  const below = (parent: number): number[] =>
    parents.filter(([, its]) => its === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

function everythingIn(folder: string): string[] {
  const found = [folder]
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isSymbolicLink()) continue
    found.push(...(entry.isDirectory() ? everythingIn(path) : [path]))
  }
  return found
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${basename(fd)}`))?.[1] ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** @see proc(5), /proc/net/tcp: state 0A is LISTEN */
function listeners(table: 'tcp' | 'tcp6'): { address: string; inode: string }[] {
  const lines = readFileSync(`/proc/net/${table}`, 'utf8').trimEnd().split('\n').slice(1)
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    const [address = ''] = (fields[1] ?? '').split(':')
    return fields[3] === '0A' ? [{ address, inode: fields[9] ?? '' }] : []
  })
}
