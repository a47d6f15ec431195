/** Serving over standard input and output, which carry JSON-RPC alone, until the client is gone or a signal comes. */
import { once } from 'node:events'
import { reserveStdout } from '@deed/process/reserve-stdout'
import type { Log } from '@deed/telemetry/logger'
import type { McpServerFactory } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'

/** As much as one message of the client may have. */
const MESSAGE_BYTES_MAX = 1_048_576

/** Resolves when nobody is served any more. */
export async function serveOverStdio(factory: McpServerFactory, log: Log): Promise<void> {
  const { stdin } = process
  const transport = new StdioServerTransport(stdin, reserveStdout(), { maxBufferSize: MESSAGE_BYTES_MAX })
  const gone = new AbortController()
  const ends = [
    ...(['end', 'close', 'error'] as const).map((event) => once(stdin, event, { signal: gone.signal })),
    ...(['SIGTERM', 'SIGINT', 'SIGHUP'] as const).map((event) => once(process, event, { signal: gone.signal })),
  ]
  const handle = serveStdio(factory, {
    transport,
    onerror: (error) => log.warn({ err: error }, 'a message could not be handled'),
  })
  await Promise.race(ends.map((end) => end.catch(() => undefined)))
  gone.abort()
  await handle.close()
  stdin.destroy()
}
