/** What every command has in its hands: the environment, where data lies, where to write, a way into the mesh. */
import { resolve } from 'node:path'
import type { Bus } from '@deed/mesh/bus'
import type { Command } from 'commander'
import { enterMesh, findMesh } from './connection.ts'
import { type Output, openOutput } from './output.ts'

const PROJECT = resolve(import.meta.dirname, '../../..')

export interface Shell {
  readonly env: NodeJS.ProcessEnv
  readonly dataDir: string
  /** In whose name to act; undefined: the operator's. */
  readonly as: string | undefined
  readonly out: Output
}

/** Options that every command takes. */
export interface GlobalOptions {
  json?: boolean
  dataDir?: string
  as?: string
}

export const dataDirOf = (env: NodeJS.ProcessEnv, given?: string): string =>
  resolve(given ?? (env.DEED_DATA_DIR || `${PROJECT}/.deed`))

export function shellOf(command: Command): Shell {
  const { json = false, dataDir, as } = command.optsWithGlobals<GlobalOptions>()
  return { env: process.env, dataDir: dataDirOf(process.env, dataDir), as, out: openOutput(json, process.env) }
}

/** Enters the mesh for one piece of work, and leaves it afterwards. */
export async function withMesh<T>({ env, dataDir, as }: Shell, work: (bus: Bus) => Promise<T>): Promise<T> {
  await using bus = await enterMesh(env, findMesh(env, dataDir), as)
  return await work(bus)
}
