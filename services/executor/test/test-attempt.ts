/** An attempt whose lease lasts as long as any test, however busy the machine. */

import type { WorkAct } from '@deed/proto/action'
import { actionIdOf } from '@deed/worker/action-id'
import { type Attempt, openAttempt } from '../src/attempt/attempt.ts'

const LEASE_MS = 600_000

export function testAttempt(work: WorkAct): Attempt {
  const attempt = openAttempt(work, actionIdOf(work.task_id), '', LEASE_MS)
  attempt.extend(performance.now() + LEASE_MS)
  return attempt
}
