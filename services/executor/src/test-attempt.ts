/** An attempt whose lease lasts as long as any test, however busy the machine. */
import { actionIdOf } from '@deed/mesh/action-id'
import type { WorkAct } from '@deed/proto/action'
import { type Attempt, openAttempt } from './attempt.ts'

const LEASE_MS = 600_000

export function testAttempt(work: WorkAct): Attempt {
  const attempt = openAttempt(work, actionIdOf(work.task_id), LEASE_MS)
  attempt.extend(performance.now() + LEASE_MS)
  return attempt
}
