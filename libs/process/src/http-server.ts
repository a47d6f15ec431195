/** Binds servers of HTTP, and drains them. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError } from '@deed/config/config-error'

const IDLE_MS = 50

/**
 * @param fault the sentence for an address that cannot be bound, which names what to change
 * @returns the port
 * @throws {ConfigError} with that sentence
 */
export async function listenAt(
  server: Server,
  { host, port }: { host: string; port: number },
  fault: (cause: string) => string,
): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve())).catch(
    (cause: Error) => {
      throw new ConfigError(fault(cause.message), { cause })
    },
  )
  return (server.address() as AddressInfo).port
}

/** Accepts nothing more, and ends what still runs after this time, in milliseconds. */
export async function drainServer(server: Server, msMax: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  // One whose last answer has just been sent is idle from then on, and would stay open for the next request.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_MS)
  const late = setTimeout(() => server.closeAllConnections(), msMax)
  await closed
  clearInterval(idle)
  clearTimeout(late)
}
