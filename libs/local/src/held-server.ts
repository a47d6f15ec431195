/** A server whose parent is a separate process, for tests that kill the parent or run it as another user. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { identify, isAlive } from './process-identity.ts'

/** Disposing ends both, if they still run. */
export interface HeldServer extends Disposable {
  readonly parent: ChildProcess
  readonly serverPid: number
  readonly url: string
}

/**
 * @param start which of the two to start: `startNats` or `startPostgres`
 * @param user the user and group id of the parent; default: this process's
 */
export async function holdServer(
  start: 'startNats' | 'startPostgres',
  dataDir: string,
  user?: number,
): Promise<HeldServer> {
  const file = new URL(start === 'startNats' ? 'nats.ts' : 'postgres.ts', import.meta.url)
  const script = `
    const { ${start}: start } = await import(${JSON.stringify(file)})
    const server = await start({ dataDir: ${JSON.stringify(dataDir)} })
    process.on('SIGTERM', () => server[Symbol.asyncDispose]().then(() => process.exit(0)))
    console.log(JSON.stringify([server.pid, server.url]))
    setInterval(() => {}, 1_000_000)`
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  })
  const [line] = (await Promise.race([
    once(createInterface(parent.stdout), 'line'),
    once(parent, 'exit').then(() => Promise.reject(new Error(`the parent of ${start} ended early`))),
  ])) as [string]
  const [serverPid, url] = JSON.parse(line) as [number, string]
  const server = identify(serverPid)
  return {
    parent,
    serverPid,
    url,
    [Symbol.dispose]() {
      parent.kill('SIGKILL')
      if (server && isAlive(server)) process.kill(serverPid, 'SIGKILL')
    },
  }
}
