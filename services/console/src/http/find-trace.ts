/** The trace of an execution, from what the processes of the mesh have in memory. */
import type { Bus } from '@deed/mesh/bus'
import { gatherTrace } from '@deed/mesh/traces'
import { getExecution } from '@deed/proto/execution'
import { ExecutionId } from '@deed/proto/ids'
import { CONSOLE_VERBS } from '@deed/proto/permissions'
import type { TraceSpan } from '@deed/proto/trace'
import { Refusal } from '../guard/refusal.ts'
import type { Session } from '../sessions/sessions.ts'

export interface FoundTrace {
  trace_id: string
  /** Each with the service that recorded it; empty where all have forgotten it. */
  spans: (TraceSpan & { service: string })[]
  /** Spans that are no longer in memory. */
  omitted: number
}

/**
 * An execution is read in the name of the person first, so that nobody sees the trace of another tenant.
 *
 * @throws {Refusal} for what is no id, or a role that may not read executions; {DeedError} `not_found`
 */
export async function findTrace(bus: Bus, { tenant, user, role }: Session, id: string): Promise<FoundTrace> {
  if (!CONSOLE_VERBS[role].includes(getExecution.subject))
    throw new Refusal('role', `the role ${role} may not ask that`)
  const { data: executionId } = ExecutionId.safeParse(id)
  if (executionId === undefined) throw new Refusal('body', 'name an execution by its whole id')
  const { trace_id } = await bus.call(getExecution, { execution_id: executionId }, { principal: { tenant, user } })
  const answers = await gatherTrace(bus.nc, trace_id)
  return {
    trace_id,
    spans: answers.flatMap(({ service, spans }) => spans.map((span) => ({ ...span, service }))),
    omitted: answers.reduce((sum, { omitted }) => sum + omitted, 0),
  }
}
