/**
 * Decisions that the orchestrator refuses without a row in any execution: on an approval that the tenant has not got, and one
 * that was used already.
 */

import type { decideApprovals } from '@deed/proto/approval'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { z } from 'zod'

const DECISIONS: ReadonlySet<string> = new Set(['approval.decide', 'approval.decide-many', 'execution.choose'])
const UNRECORDED: ReadonlySet<string> = new Set(['not_found', 'approval_already_used'])

/** @param note is given each error of such a decision @returns and throws what `call` does */
export async function notingDecisions(
  subject: string,
  note: (error: ErrorBody) => void,
  call: () => Promise<unknown>,
): Promise<unknown> {
  if (!DECISIONS.has(subject)) return call()
  const noteIf = (error: ErrorBody | undefined): void => {
    if (error && UNRECORDED.has(error.code)) note(error)
  }
  try {
    const answer = await call()
    const { results = [] } = answer as Partial<z.output<typeof decideApprovals.output>>
    for (const { error } of results) noteIf(error)
    return answer
  } catch (error) {
    if (error instanceof DeedError) noteIf(error.body)
    throw error
  }
}
