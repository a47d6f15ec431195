/** Checks that JetStream can still store messages. */
import type { ServerStatus } from './server-status.ts'

/** The server's messages for a failed write; the stream then accepts nothing until the server restarts. */
const REFUSED_BY_DISK = /write error|no space left|input\/output error/i

/**
 * @returns the disk error in the server's words; `undefined` while every write succeeds
 * @throws if the server does not answer
 */
export async function storeFault(status: ServerStatus): Promise<string | undefined> {
  const { error = '' } = await status('healthz')
  return REFUSED_BY_DISK.test(error) ? error : undefined
}
