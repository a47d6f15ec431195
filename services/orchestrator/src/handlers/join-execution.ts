import type { ServedSpan } from '@deed/mesh/served-span'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId } from '@deed/proto/ids'
import type { Driver } from '../dispatch/drive.ts'

/**
 * Makes a request about an execution visible in the execution's trace: as a part of it, or as a trace of its own that is
 * linked to it if the execution had ended before; so a late question does not make a trace hours long.
 */
export async function joinExecution(
  served: ServedSpan,
  driver: Pick<Driver, 'peek'>,
  executionId: ExecutionId,
): Promise<void> {
  try {
    const { trace, finished_at: finished } = (await driver.peek(executionId)).execution
    if (finished === null || Date.parse(finished) >= served.startMs) served.join(trace)
    else served.link(trace)
  } catch (error) {
    // What was requested is done. Its execution may have been removed, or PostgreSQL may be unavailable again.
    if (!(error instanceof DeedError)) throw error
  }
}
