/** What a running mesh leaves in its data folder, so that a client on the same machine finds it. */
import { join } from 'node:path'
import { ownerOf, readJson } from '@deed/embedded/data-folder'
import { isAlive, type ProcessIdentity } from '@deed/embedded/process-identity'
import { z } from 'zod'

export const CONNECTION_FILE = 'mesh.json'

/** How a client enters the mesh. */
const Connection = z.object({
  nats_url: z.string(),
  nats_user: z.string().optional(),
  nats_password: z.string().optional(),
  nats_server_name: z.string().optional(),
  database_url: z.string(),
  /** Of the system account, where the server was started with the mesh. */
  nats_system_login: z.object({ user: z.string(), pass: z.string() }).optional(),
})
export type Connection = z.output<typeof Connection>

const KeptConnection = Connection.extend({
  /** Path of the execution.yaml that it was started with; absent: without one. */
  config: z.string().optional(),
  /** Passwords of the users with fewer rights, for programs outside. */
  users: z.record(z.string(), z.string()),
  /** Runs the mesh; a pid alone may be another process by now. */
  process: z.object({ pid: z.int(), started: z.string() }),
})
export type KeptConnection = z.output<typeof KeptConnection>

/** Folder of a mesh's data folder where its process and its services' are recorded. */
export const recordsIn = (dataDir: string): string => join(dataDir, 'mesh')

/** @returns the process of the mesh on this data folder: one that starts, runs or drains */
export const meshProcess = (dataDir: string): ProcessIdentity | undefined => ownerOf(recordsIn(dataDir))

/** @returns `undefined` where no mesh runs on this folder, or the one that did is dead */
export function runningMesh(dataDir: string): KeptConnection | undefined {
  const { data } = KeptConnection.safeParse(readJson<unknown>(join(dataDir, CONNECTION_FILE)))
  return data && isAlive(data.process) ? data : undefined
}
