/** A whole mesh to measure: as in production, every service a process of its own, everything durable, 1 % traced. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readExecutionConfig } from '@deed/config/execution-config'
import { type Mesh, startMesh } from '@deed/local/local-mesh'
import { startPostgres } from '@deed/local/postgres'
import { SERVICES } from '@deed/proto/contract'
import pg from 'pg'
import { freshFolder } from './fresh-folder.ts'
import type { Settings } from './scenario.ts'
import { startTraceSink } from './trace-sink.ts'

export const TRACED_RATIO = '0.01'
const MACHINES = 1_000

export interface BenchMesh {
  readonly mesh: Mesh
  /** Where relative paths start. */
  readonly workspace: string
  /** As superuser. Its connection is not of the mesh. */
  readonly database: pg.Client
  /** What the executor runs at once, and holds at once. */
  readonly workers: { count: number; max_concurrent_tasks: number }
  /** Name to pid, of all that the mesh consists of. */
  roots(): Record<string, number>
}

/** Everything that is started goes into `opened`. */
export async function benchMesh({ workers, profileDir }: Settings, opened: AsyncDisposableStack): Promise<BenchMesh> {
  const folder = opened.use(freshFolder())
  const workspace = join(folder.path, 'workspace')
  mkdirSync(workspace)
  const config = join(folder.path, 'execution.yaml')
  writeFileSync(config, configuration(workers))
  // Before the mesh, so that the database the questions are about is there when its URL is needed.
  const postgres = opened.use(await startPostgres({ dataDir: join(folder.path, 'postgres') }))
  const sink = opened.use(await startTraceSink())
  const mesh = opened.use(
    await startMesh({
      dataDir: join(folder.path, 'data'),
      config,
      databaseUrl: postgres.url,
      supervise: false,
      env: {
        INVENTORY_URL: await seedInventory(postgres.url),
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: TRACED_RATIO,
      },
      ...(profileDir === undefined ? {} : { serviceEnv: profiled(profileDir) }),
    }),
  )
  const database = new pg.Client({ connectionString: postgres.url })
  // It ends with the server where the benchmark is interrupted.
  database.on('error', () => undefined)
  await database.connect()
  opened.defer(() => database.end())
  return {
    mesh,
    workspace,
    database,
    workers: readExecutionConfig(config).workers,
    roots: () => ({
      ...Object.fromEntries(mesh.services.map(({ service, pid = 0 }) => [service, pid])),
      nats: mesh.nats?.pid ?? 0,
      postgres: postgres.pid,
    }),
  }
}

/** The defaults, but for what a question can be asked about. */
function configuration(workers: number | undefined): string {
  return `workspaces:
  main: { root: ./workspace }
targets:
  inventory:
    type: sql
    url_env: INVENTORY_URL
    entities:
      machines: { table: machines, label_column: kind, name_column: hostname, singular: machine }
${workers === undefined ? '' : `workers: { count: ${workers} }\n`}`
}

/** @returns the URL of a role that may read it and do nothing else */
async function seedInventory(adminUrl: string): Promise<string> {
  const url = new URL(adminUrl)
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  await admin.query('create database inventory')
  await admin.query(`create role reader login password 'reader'`)
  await admin.end()
  url.pathname = '/inventory'
  const owner = new pg.Client({ connectionString: url.href })
  await owner.connect()
  await owner.query('create table machines (hostname text primary key, kind text not null)')
  await owner.query(
    `insert into machines select 'host-' || n, (array['server', 'workstation', 'printer'])[n % 3 + 1]
       from generate_series(1, $1::int) n`,
    [MACHINES],
  )
  await owner.query('grant select on machines to reader')
  await owner.end()
  url.username = 'reader'
  url.password = 'reader'
  return url.href
}

function profiled(dir: string) {
  return Object.fromEntries(
    SERVICES.map((service) => [
      service,
      { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(dir)} --cpu-prof-name=${service}.cpuprofile` },
    ]),
  )
}
