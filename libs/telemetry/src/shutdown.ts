/** Ends tracing, as the last step of a drain. */
import { installRecorder, recorder } from './span.ts'

const SHUTDOWN_MS_MAX = 2_000

/**
 * Exports the remaining spans, for at most two seconds: an unreachable collector must not delay a drain. Later spans
 * are not recorded, so this comes last. No-op if tracing is off. Never rejects.
 */
export async function shutdownTelemetry(): Promise<void> {
  if (recorder === undefined) return
  const sent = recorder.shutdown()
  installRecorder(undefined)
  const { promise: timeUp, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, SHUTDOWN_MS_MAX)
  // A process that ends cannot do anything about spans that were not accepted.
  await Promise.race([sent.catch(() => {}), timeUp])
  clearTimeout(timer)
}
