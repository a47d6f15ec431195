/** The end of tracing, as the last part of a drain. */
import { installRecorder, recorder } from './span.ts'

const SHUTDOWN_MS_MAX = 2_000

/**
 * Sends what is recorded and not sent yet, for at most two seconds: a collector that is away holds no drain up.
 * Spans begun later are not recorded, so this comes last. Does nothing when tracing is off. Never rejects.
 */
export async function shutdownTelemetry(): Promise<void> {
  if (recorder === undefined) return
  const sent = recorder.shutdown()
  installRecorder(undefined)
  const { promise: timeUp, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, SHUTDOWN_MS_MAX)
  // Nobody can do anything about spans that were not taken, least of all a process that ends.
  await Promise.race([sent.catch(() => {}), timeUp])
  clearTimeout(timer)
}
