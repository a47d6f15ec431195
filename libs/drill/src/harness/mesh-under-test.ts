/** A whole mesh for one test file: real servers, real processes, a workspace, and the outside's view of it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Mesh, type MeshOptions, startMesh } from '@deed/local/local-mesh'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { Pool } from 'pg'

export interface MeshUnderTest extends AsyncDisposable {
  readonly mesh: Mesh
  /** Root of the workspace `main`, the default one. */
  readonly workspace: string
  /** Enters as the user `deed`. */
  readonly client: Bus
  /** As superuser, to look at any table. */
  readonly database: Pool
  /** Log lines of a service so far. */
  log(service: string): string
}

export interface Setting extends Omit<Partial<MeshOptions>, 'config'> {
  /** Added to an execution.yaml that has the workspace `main`. */
  config?: string
}

/** How long a test waits for an answer for which it names no deadline, in milliseconds: a busy machine is late. */
const ANSWER_MS_MAX = 60_000

/** Fast to take over after a kill: as short as leases may be. */
const LEASE_MS = '3000'

/** As `deed start` does on one machine, the thinking services share a process, unless the options say otherwise. */
export async function meshUnderTest({ config = '', env = {}, ...options }: Setting = {}): Promise<MeshUnderTest> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(temporaryFolder())
  const workspace = join(folder.path, 'workspace')
  mkdirSync(workspace)
  const configFile = join(folder.path, 'execution.yaml')
  writeFileSync(configFile, `workspaces:\n  main: { root: ./workspace }\n${config}`)
  const mesh = opened.use(
    await startMesh({
      dataDir: join(folder.path, 'data'),
      config: configFile,
      env: { DEED_TEST: '1', LOG_LEVEL: 'info', ORCHESTRATOR_LEASE_MS: LEASE_MS, ...env },
      thinkers: 'together',
      ...options,
    }),
  )
  const { connection } = mesh
  const database = new Pool({ connectionString: connection.database_url, max: 3 })
  database.on('error', () => undefined)
  database.on('connect', (one) => one.on('error', () => undefined))
  opened.defer(() => database.end())
  const bus = opened.use(
    await connectBus({
      service: 'deed',
      url: connection.nats_url,
      user: connection.nats_user,
      password: connection.nats_password,
      serverName: connection.nats_server_name,
    }),
  )
  const client: Bus = {
    ...bus,
    call: (contract, input, options) => bus.call(contract, input, { timeoutMs: ANSWER_MS_MAX, ...options }),
  }
  const kept = opened.move()
  return {
    mesh,
    workspace,
    client,
    database,
    log: (service) => readFileSync(join(mesh.dataDir, 'logs', `${service}.log`), 'utf8'),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
