/** One mesh for all cases of the truth drill: a workspace for each, a target where it has one, and the servers they share. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { getExecution } from '@deed/proto/execution'
import { KINDS } from '@deed/proto/kinds'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { Pool } from 'pg'
import { stringify } from 'yaml'
import { type MeshUnderTest, meshUnderTest } from '../harness/mesh-under-test.ts'
import type { Case, Place } from './case.ts'
import { startFactoryNats } from './factory-nats.ts'
import { fakeClients } from './fake-clients.ts'
import { provideLamps } from './lamps.ts'
import { startMeddler } from './meddler.ts'
import { WORLD_VARIABLE } from './tables.ts'
import { openToolServer, TOOLS } from './tool-server.ts'
import { openWorldServer } from './world-server.ts'

export interface TruthMesh extends MeshUnderTest {
  placeOf(which: Case): Place
}

const DATABASE = 'truth_world'
const NATS_VARIABLE = 'TRUTH_NATS_URL'

/** What is tried here is whether Deed speaks the truth, not who allows what: nobody is asked. */
const POLICY = {
  version: 'truth',
  approval_ttl_seconds: 3_600,
  self_approval: true,
  kinds: { 'lamp.switch': { effect: 'change' } },
  levels: [{ kinds: [...Object.keys(KINDS), 'lamp.switch'], level: 0, why: 'nobody is asked in this drill' }],
  raises: [],
}

export async function truthMesh(cases: readonly Case[]): Promise<TruthMesh> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(temporaryFolder())
  const at = (name: string): string => join(folder.path, name)
  const web = opened.use(await openWorldServer())
  const tools = opened.use(await openToolServer())
  const nats = opened.use(await startFactoryNats(at('factory')))
  const meddler = opened.use(startMeddler())
  const clients = fakeClients(at('bin'))
  mkdirSync(at('places'))
  const ports = await freePorts(cases.length)
  const places = new Map(
    cases.map((one, index) => {
      const name = `t${index}`
      const root = join(at('places'), name)
      mkdirSync(root)
      return [one, { key: `k${index}`, name, root, port: ports[index]!, web }]
    }),
  )
  writeFileSync(at('policy.yaml'), stringify(POLICY))
  let world: Pool | undefined
  const under = opened.use(
    await meshUnderTest({
      supervise: false,
      config: configuration(places, { web: web.url, tools: tools.url }),
      async prepare(databaseUrl) {
        const admin = new Pool({ connectionString: databaseUrl, max: 1 })
        await admin.query(`create database ${DATABASE}`)
        await admin.end()
        const url = new URL(databaseUrl)
        url.pathname = `/${DATABASE}`
        world = new Pool({ connectionString: url.href, max: 8 })
        world.on('error', () => undefined)
        return { executor: { [WORLD_VARIABLE]: url.href } }
      },
      env: {
        LOG_LEVEL: 'warn',
        DEED_POLICY: at('policy.yaml'),
        PATH: `${clients.folder}:${process.env.PATH}`,
        [NATS_VARIABLE]: nats.url,
      },
    }),
  )
  if (!world) throw new Error('the mesh has prepared no database')
  const database = world
  opened.defer(() => database.end())
  const lamps = opened.use(await provideLamps(under.mesh.connectionAs('provider')))
  const answer: Place['answer'] = async (execution_id, decision, text) => {
    const task = await until(
      async () => {
        const { tasks } = await under.client.call(listApprovals, { execution_id, status: 'pending' })
        const { status } = await under.client.call(getExecution, { execution_id })
        return tasks[0] ?? ((FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(status) ? null : undefined)
      },
      { what: 'a task for a person' },
    )
    if (task === null) return
    const result = text === undefined ? {} : { result: { text } }
    await under.client.call(decideApproval, { approval_id: task.approval_id, decision, reason: 'drill', ...result })
  }
  const kept = opened.move()
  return {
    ...under,
    placeOf(which) {
      const own = places.get(which)
      if (!own) throw new Error('the mesh was not made for this case')
      return { ...own, tools, nats, clients, lamps, database, answer, meddle: meddler.meddle }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Each another one. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

type Places = ReadonlyMap<Case, Pick<Place, 'key' | 'root' | 'name' | 'port' | 'web'>>

/** Continues the key `workspaces`. */
function configuration(places: Places, urls: { web: string; tools: string }): string {
  const all = [...places]
  const workspaces = all.map(([, { name, root }]) => `  ${name}: { root: ${JSON.stringify(root)} }\n`).join('')
  const undo = (tool: string): object => ({ undo: { tool, arguments: { name: 'arguments.name' } } })
  const tools = Object.fromEntries(
    Object.keys(TOOLS).map((tool) => [
      tool,
      tool === 'read'
        ? { effect: 'read' }
        : tool === 'keep'
          ? undo('remove')
          : tool === 'keep_badly_undone'
            ? undo('remove_nothing')
            : tool === 'keep_otherwise_undone'
              ? undo('spoil')
              : {},
    ]),
  )
  const targets = {
    web: { type: 'http', url: urls.web },
    notes: { type: 'http', url: urls.tools },
    tools: { type: 'mcp', url: urls.tools, tools },
    db: { type: 'sql', url_env: WORLD_VARIABLE },
    factory: { type: 'nats', url_env: NATS_VARIABLE },
    ...Object.fromEntries(all.flatMap(([one, place]) => (one.target ? [[place.name, one.target(place)]] : []))),
  }
  const rest = {
    default_workspace: 'main',
    provided_kinds: ['lamp.switch'],
    workers: { count: 8, max_concurrent_tasks: 16 },
    verification: { retry_attempts: 2, verify_delay_seconds: 0.3 },
    targets,
  }
  return `${workspaces}${stringify(rest)}`
}
