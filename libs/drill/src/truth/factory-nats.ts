/** A NATS server besides the mesh's own, whose streams and services are read and served from here. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '@deed/local/kept-port'
import { installedBinary } from '@deed/local/nats'
import { until } from '@deed/process/until'
import { connect, type NatsConnection } from 'nats'

export interface FactoryNats extends AsyncDisposable {
  readonly url: string
  readonly connection: NatsConnection
}

/** @param folder for its streams */
export async function startFactoryNats(folder: string): Promise<FactoryNats> {
  const port = await freePort()
  const url = `nats://127.0.0.1:${port}`
  const server = spawn(installedBinary(), ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder], {
    stdio: 'ignore',
  })
  const ended = once(server, 'exit')
  const kill = (): void => void server.kill('SIGKILL')
  process.once('exit', kill)
  const connection = await until(() => connect({ servers: url, reconnect: true }).catch(() => undefined), {
    what: 'the NATS server of the truth drill',
  })
  return {
    url,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close()
      server.kill('SIGTERM')
      await ended
      process.off('exit', kill)
    },
  }
}
