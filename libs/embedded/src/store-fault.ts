/** Whether JetStream can still keep what it is given. */
import type { ServerStatus } from './server-status.ts'

/** How the server words what its disk has refused; it takes nothing more for that stream until it starts anew. */
const REFUSED_BY_DISK = /write error|no space left|input\/output error/i

/**
 * @returns what its disk has refused, as the server words it; `undefined` while it keeps everything
 * @throws where the server does not answer
 */
export async function storeFault(status: ServerStatus): Promise<string | undefined> {
  const { error = '' } = await status('healthz')
  return REFUSED_BY_DISK.test(error) ? error : undefined
}
