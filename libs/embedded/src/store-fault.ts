/** Whether JetStream can still keep what it is given: only the monitoring port of the server tells. */

const ANSWER_MS_MAX = 3_000
/** How the server words what its disk has refused; it takes nothing more for that stream until it starts anew. */
const REFUSED_BY_DISK = /write error|no space left|input\/output error/i

/**
 * @returns what its disk has refused, as the server words it; `undefined` while it keeps everything
 * @throws where the monitoring port does not answer
 */
export async function storeFault(monitoringUrl: string): Promise<string | undefined> {
  const response = await fetch(new URL('/healthz', monitoringUrl), { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  const { error = '' } = (await response.json()) as { error?: string }
  return REFUSED_BY_DISK.test(error) ? error : undefined
}
