/** Looking at the world without Deed: who answers, what lies on disk, what the database counts. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type DemoDatabase, readValue } from './demo-database.ts'
import type { DemoTask } from './demo-plan.ts'
import { processOf } from './demo-service.ts'
import type { DemoWorld } from './demo-world.ts'

export interface SeenFile {
  sha256: string
  /** Permission bits, as `0644`. */
  mode: string
  text: string
}

/** What a task's `world` asks for, at one moment. */
export interface Seen {
  /** Of the service that answers; absent: none does. */
  pid?: number
  /** By path; those that are not there are left out. */
  files: Record<string, SeenFile>
  value?: unknown
}

export async function observeWorld(
  { workspace, services }: DemoWorld,
  database: DemoDatabase,
  { service, files, sql }: DemoTask['world'],
): Promise<Seen> {
  const known = service === undefined ? undefined : services.get(service.name)
  if (service !== undefined && !known) throw new Error(`the demo has no service ${service.name}`)
  const [found, value] = await Promise.all([
    known && processOf(known),
    sql === undefined ? undefined : readValue(database, sql.query),
  ])
  const seen = Object.keys(files).flatMap((path): [string, SeenFile][] => {
    const file = join(workspace, path)
    const stats = statSync(file, { throwIfNoEntry: false })
    if (!stats) return []
    const bytes = readFileSync(file)
    const mode = `0${(stats.mode & 0o777).toString(8).padStart(3, '0')}`
    return [[path, { sha256: createHash('sha256').update(bytes).digest('hex'), mode, text: bytes.toString() }]]
  })
  return {
    ...(found === undefined ? {} : { pid: found.pid }),
    files: Object.fromEntries(seen),
    ...(sql === undefined ? {} : { value }),
  }
}
