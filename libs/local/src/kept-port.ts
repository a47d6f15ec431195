/** Ports on 127.0.0.1 that a server keeps across restarts, so that its clients can reconnect. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { keep, remembered } from './data-folder.ts'
import type { ServerLog } from './server-process.ts'

/**
 * Below Linux's range for outgoing connections (32768 and up): one of those could occupy a server's port during its
 * restart.
 */
const PORT_MIN = 20_000
const PORT_MAX = 32_000
const TRIES_MAX = 50

/**
 * The port stored under this name in the data folder. It changes only if another program has taken it.
 *
 * @throws if no free port was found in many tries
 */
export async function storedPort(dataDir: string, name: string, log: ServerLog | undefined): Promise<number> {
  const kept = await remembered(dataDir, name, freePort)
  if (await isFree(kept)) return kept
  const port = await freePort()
  log?.warn({ taken: kept, port }, 'the port is taken by another program; using another one')
  keep(dataDir, name, port)
  return port
}

/** @throws if none was found in many tries */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(PORT_MIN, PORT_MAX)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port between ${PORT_MIN} and ${PORT_MAX} in ${TRIES_MAX} tries`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
