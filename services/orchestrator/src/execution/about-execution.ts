import { traceIdOf } from '@deed/telemetry/trace-context'
import type { ExecutionRow } from './snapshot.ts'

/** What each log line about an execution says of it. */
export const aboutExecution = ({ execution_id, trace }: Pick<ExecutionRow, 'execution_id' | 'trace'>) => ({
  execution_id,
  trace_id: traceIdOf(trace),
})
