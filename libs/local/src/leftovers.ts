/** Finds the processes that a killed mesh left running, by the records in its data folder, and ends them. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { until } from '@deed/process/until'
import { meshProcess, recordsIn } from './connection-file.ts'
import { claimDataFolder, readJson } from './data-folder.ts'
import { NATS_PROCESS } from './nats.ts'
import { POSTGRES_PROCESS } from './postgres.ts'
import { isAlive, type ProcessIdentity } from './process-identity.ts'
import { stopLeftover } from './server-process.ts'

/** A service drains for 25 s at most. */
const DRAIN_MS_MAX = 30_000
const KILL_MS_MAX = 10_000

/**
 * Locks the data folder for a mesh of this process, and ends services that an earlier one left running. Disposing
 * releases the folder.
 *
 * @throws {ConfigError} if another living process holds it
 */
export async function claimMesh(dataDir: string): Promise<Disposable> {
  const other = meshProcess(dataDir)
  if (other) throw new ConfigError(`${dataDir} is in use by the mesh of process ${other.pid}; \`deed down\` ends it`)
  const claim = claimDataFolder(recordsIn(dataDir))
  try {
    await stopServices(dataDir)
    return claim
  } catch (error) {
    claim[Symbol.dispose]()
    throw error
  }
}

/**
 * Ends what runs on the data folder after its mesh process is gone: first the services, which drain, then the servers
 * that they drain into.
 *
 * @returns the names of what was ended
 */
export async function stopLeftovers(dataDir: string): Promise<string[]> {
  const ended = await stopServices(dataDir)
  const servers = [
    { ...NATS_PROCESS, dataDir: join(dataDir, 'nats') },
    { ...POSTGRES_PROCESS, dataDir: join(dataDir, 'postgres') },
  ]
  for (const server of servers) if (await stopLeftover(server)) ended.push(server.name)
  return ended
}

async function stopServices(dataDir: string): Promise<string[]> {
  const left = leftServices(dataDir)
  await Promise.all(left.map(({ process: service }) => endProcess(service, DRAIN_MS_MAX)))
  return left.map(({ name }) => name)
}

function leftServices(dataDir: string): { name: string; process: ProcessIdentity }[] {
  const folder = recordsIn(dataDir)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json') && file !== 'owner.json')
    .flatMap((file) => {
      const record = readJson<ProcessIdentity | null>(join(folder, file))
      return record && isAlive(record) ? [{ name: file.replace(/\.json$/, ''), process: record }] : []
    })
}

/** Ends a process with SIGTERM, and with SIGKILL if it does not end in time. */
export async function endProcess(identity: ProcessIdentity, drainMs: number): Promise<void> {
  const gone = () => !isAlive(identity)
  const send = (signal: NodeJS.Signals): void => {
    if (!gone()) process.kill(identity.pid, signal)
  }
  send('SIGTERM')
  try {
    await until(gone, { timeoutMs: drainMs })
  } catch {
    send('SIGKILL')
    await until(gone, { timeoutMs: KILL_MS_MAX, what: `the end of process ${identity.pid}` })
  }
}
