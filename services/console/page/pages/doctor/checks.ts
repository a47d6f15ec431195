/** What the mesh says of itself: checks, the worst first. */
import { CallError, call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { may } from '../../app/session.ts'

export type Check = Output<'doctor.agent'>['checks'][number]

const EXAMINATIONS = [
  ['doctor.orchestrator', 'orchestrator'],
  ['doctor.executor', 'executor'],
  ['doctor.agent', 'hybrid-agent'],
] as const

/** A service that does not answer is a problem among the others. */
export async function examine(signal: AbortSignal): Promise<Check[]> {
  const parts = await Promise.all(
    EXAMINATIONS.filter(([subject]) => may(subject)).map(async ([subject, service]): Promise<Check[]> => {
      try {
        return (await call(subject, {}, { signal })).checks
      } catch (cause) {
        if (!(cause instanceof CallError) || cause.code === 'offline' || cause.code === 'signed_out') throw cause
        return [
          { name: service, status: 'problem', message: cause.message, advice: `Look at the log of the ${service}.` },
        ]
      }
    }),
  )
  return worstFirst(parts.flat())
}

const RANK = { problem: 0, warning: 1, ok: 2 } as const

/** Of one status in the order in which they were found. */
export const worstFirst = (checks: readonly Check[]): Check[] =>
  checks.toSorted((a, b) => RANK[a.status] - RANK[b.status])
