/** The connection file of a running mesh in its data folder, which clients on the same machine read. */
import { join } from 'node:path'
import { readExecutionConfig } from '@deed/config/execution-config'
import { z } from 'zod'
import { ownerOf, readJson } from './data-folder.ts'
import { isAlive, type ProcessIdentity } from './process-identity.ts'

export const CONNECTION_FILE = 'mesh.json'
/** Under this name the data folder remembers the port of the console. */
export const CONSOLE_PORT = 'console-port'

/** How a client connects to the mesh. */
const Connection = z.object({
  nats_url: z.string(),
  nats_user: z.string().optional(),
  nats_password: z.string().optional(),
  nats_server_name: z.string().optional(),
  database_url: z.string(),
  /** Of the system account, if the mesh started the server. */
  nats_system_login: z.object({ user: z.string(), pass: z.string() }).optional(),
})
export type Connection = z.output<typeof Connection>

const MeshRecord = Connection.extend({
  /** The path of the mesh's execution.yaml; absent: it has none. */
  config: z.string().optional(),
  /** Passwords of users with fewer permissions, for external programs. */
  users: z.record(z.string(), z.string()),
  /** The process of the mesh; a pid alone may have been reused. */
  process: z.object({ pid: z.int(), started: z.string() }),
})
export type MeshRecord = z.output<typeof MeshRecord>

/** The folder in a mesh's data folder that records its process and those of its services. */
export const recordsIn = (dataDir: string): string => join(dataDir, 'mesh')

/** @returns the process of the mesh on this data folder: starting, running or draining */
export const meshProcess = (dataDir: string): ProcessIdentity | undefined => ownerOf(recordsIn(dataDir))

/** @returns `undefined` if no mesh runs on this folder, or its process is dead */
export function runningMesh(dataDir: string): MeshRecord | undefined {
  const { data } = MeshRecord.safeParse(readJson<unknown>(join(dataDir, CONNECTION_FILE)))
  return data && isAlive(data.process) ? data : undefined
}

/** Where people find the console of a mesh on this machine; undefined if none runs, or it has none. */
export function localConsole(dataDir: string): string | undefined {
  const running = runningMesh(dataDir)
  if (running === undefined) return undefined
  const { enabled, url, port } = readExecutionConfig(running.config).console
  const bound = port || readJson<number>(join(dataDir, `${CONSOLE_PORT}.json`))
  if (!enabled || (url === undefined && bound === undefined)) return undefined
  return url ?? `http://127.0.0.1:${bound}`
}
