/** One verb for several executions: to which it applies, and to which it does not, and why. Pure. */
import type { ExecutionStatus } from '@deed/proto/states'
import type { Input, Output } from '../../app/contracts.ts'
import { statusWords } from '../../text/status-words.ts'

export type Verb = Input<'execution.steer'>['verb']
type Result = Output<'execution.steer'>['results'][number]

/** In what order the verbs are offered, with what they do. */
export const VERBS: readonly { verb: Verb; title: string; does: string; danger?: true }[] = [
  { verb: 'pause', title: 'Pause', does: 'Pauses' },
  { verb: 'resume', title: 'Resume', does: 'Resumes' },
  { verb: 'retry', title: 'Retry', does: 'Retries' },
  { verb: 'cancel', title: 'Cancel', does: 'Cancels', danger: true },
  { verb: 'rollback', title: 'Roll back', does: 'Rolls back', danger: true },
]

/** As many as one request takes. */
export const BULK_MAX = 500

/** The statuses in which a verb applies. The mesh decides: this only says beforehand what it will say. */
const APPLIES: Readonly<Record<Verb, readonly ExecutionStatus[]>> = {
  pause: ['planning', 'waiting', 'running'],
  resume: ['paused'],
  cancel: ['planning', 'waiting', 'running', 'paused'],
  retry: ['failed', 'cancelled', 'rolled_back'],
  rollback: ['done', 'failed', 'denied', 'cancelled', 'rollback_failed'],
}

export interface Preview {
  readonly can: readonly { id: string; note: string | undefined }[]
  readonly cannot: readonly { id: string; why: string }[]
}

/** @param results of a dry run */
export function previewOf(verb: Verb, results: readonly Result[]): Preview {
  const can: { id: string; note: string | undefined }[] = []
  const cannot: { id: string; why: string }[] = []
  for (const { execution_id: id, status, error, level } of results) {
    if (error) cannot.push({ id, why: error.message })
    else if (status !== undefined && !APPLIES[verb].includes(status)) {
      cannot.push({ id, why: `it is ${statusWords(status).word}` })
    } else can.push({ id, note: level ? `needs an approval of level ${level}` : undefined })
  }
  return { can, cannot }
}
