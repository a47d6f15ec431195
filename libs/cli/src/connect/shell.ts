/** What every command has in its hands: the environment, where data lies, where to write, a way into the mesh. */
import { join, resolve } from 'node:path'
import type { Bus } from '@deed/mesh/bus'
import type { Command } from 'commander'
import { type Output, openOutput } from '../terminal/output.ts'
import { enterMesh, findMesh } from './connection.ts'
import { DATA_FOLDER, findProject, RELEASE } from './project.ts'

export interface Shell {
  readonly env: NodeJS.ProcessEnv
  readonly dataDir: string
  /** The folder whose mesh it is, unless the data folder is named. */
  readonly project: string
  /** The data folder was not named, and is of another folder than the current one. */
  readonly elsewhere: boolean
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

/** @param fallback the folder whose mesh it is where neither the current one nor one above it has any */
export function shellOf(command: Command, fallback: string = RELEASE): Shell {
  const { json = false, dataDir, as } = command.optsWithGlobals<GlobalOptions>()
  const { env } = process
  const named = dataDir ?? (env.DEED_DATA_DIR || undefined)
  const project = findProject(process.cwd()) ?? fallback
  return {
    env,
    dataDir: resolve(named ?? join(project, DATA_FOLDER)),
    project,
    elsewhere: named === undefined && project !== process.cwd(),
    as,
    out: openOutput(json, env),
  }
}

/** Enters the mesh for one piece of work, and leaves it afterwards. @param doing what a terminal shows where it takes long */
export async function withMesh<T>(
  shell: Shell,
  work: (bus: Bus) => Promise<T>,
  doing: string | null = 'working',
): Promise<T> {
  const { env, dataDir, elsewhere, as, out } = shell
  const address = findMesh(env, dataDir)
  if (elsewhere && !env.NATS_URL) out.note(out.paint('dim', `the mesh of ${dataDir}`))
  using _busy = doing === null ? null : out.busy(doing)
  await using bus = await enterMesh(env, address, as)
  return await work(bus)
}
