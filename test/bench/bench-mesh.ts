/** A whole mesh to measure: as in production, every service a process of its own, everything durable, 1 % traced. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Mesh } from '@deed/local/local-mesh'
import type { EmbeddedPostgres } from '@deed/local/postgres'
import { SERVICES } from '@deed/proto/contract'
import pg from 'pg'
import { checkoutAt } from './checkout.ts'
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
  /** As superuser. */
  readonly databaseUrl: string
  /** What the executor runs at once, and holds at once. */
  readonly workers: { count: number; max_concurrent_tasks: number }
  /** Name to pid, of all that the mesh consists of. */
  roots(): Record<string, number>
}

/** What a mesh has besides a workspace and an inventory of machines. */
export interface BenchWorld {
  /** Lines of execution.yaml, indented as they are there. */
  readonly targets: string
  readonly entities: string
  /** Makes the tables of these entities. */
  readonly tables: string
  readonly env: Readonly<Record<string, string>>
  /** More sections of execution.yaml. */
  readonly sections?: string
}

export const MACHINES_ONLY: BenchWorld = { targets: '', entities: '', tables: 'select 1', env: {} }

/** Everything that is started goes into `opened`. */
export async function benchMesh(
  settings: Settings,
  opened: AsyncDisposableStack,
  world = MACHINES_ONLY,
): Promise<BenchMesh> {
  const { workers, profileDir, checkout, replicas = 1, together = false } = settings
  const { startMesh, startPostgres, readExecutionConfig } = await checkoutAt(checkout).forMeshes()
  const folder = opened.use(freshFolder())
  const workspace = join(folder.path, 'workspace')
  mkdirSync(workspace)
  const config = join(folder.path, 'execution.yaml')
  writeFileSync(config, configuration(workers, world))
  // Before the mesh, so that the database the questions are about is there when its URL is needed.
  const dataDir = join(folder.path, 'postgres')
  await loadStatementCounter(startPostgres, dataDir)
  const postgres = opened.use(await startPostgres({ dataDir }))
  const sink = opened.use(await startTraceSink())
  const mesh = opened.use(
    await startMesh({
      dataDir: join(folder.path, 'data'),
      config,
      databaseUrl: postgres.url,
      supervise: false,
      thinkers: together ? 'together' : 'apart',
      copies: { orchestrator: replicas, executor: replicas },
      env: {
        INVENTORY_URL: await seedInventory(postgres.url, world),
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: TRACED_RATIO,
        ...world.env,
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
    databaseUrl: postgres.url,
    workers: readExecutionConfig(config).workers,
    roots: () => ({
      ...namesOf(mesh.services),
      nats: mesh.nats?.pid ?? 0,
      postgres: postgres.pid,
    }),
  }
}

/** Each process once, by its service and the number of its copy, or by those that share it. */
function namesOf(services: Mesh['services']): Record<string, number> {
  const processes = [...Map.groupBy(services, ({ pid = 0 }) => pid)].map(
    ([pid, within]) => [within.map(({ service }) => service).join('+'), pid] as const,
  )
  return Object.fromEntries(
    processes.map(([name, pid], index) => {
      const copy = processes.slice(0, index).filter(([other]) => other === name).length
      return [copy === 0 ? name : `${name} ${copy + 1}`, pid]
    }),
  )
}

/** pg_stat_statements, which the server has to be started with. It costs nothing until it is asked to count. */
async function loadStatementCounter(
  startPostgres: (options: { dataDir: string }) => Promise<EmbeddedPostgres>,
  dataDir: string,
): Promise<void> {
  await using first = await startPostgres({ dataDir })
  const admin = new pg.Client({ connectionString: first.url })
  await admin.connect()
  await admin.query('alter system set shared_preload_libraries = pg_stat_statements')
  await admin.query('alter system set pg_stat_statements.track = none')
  await admin.query('create extension pg_stat_statements')
  await admin.end()
}

/** The defaults, but for what a question can be asked about. */
function configuration(workers: number | undefined, { targets, entities, sections = '' }: BenchWorld): string {
  return `${sections}workspaces:
  main: { root: ./workspace }
targets:${targets}
  inventory:
    type: sql
    url_env: INVENTORY_URL
    entities:
      machines: { table: machines, label_column: kind, name_column: hostname, singular: machine }${entities}
${workers === undefined ? '' : `workers: { count: ${workers} }\n`}`
}

/** @returns the URL of a role that may read it and do nothing else */
async function seedInventory(adminUrl: string, { tables }: BenchWorld): Promise<string> {
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
  await owner.query(tables)
  await owner.query('grant select on all tables in schema public to reader')
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
