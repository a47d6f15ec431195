/** Calls that are made for somebody: who it is that a service is asked by, and the trace that it belongs to. */
import type { Principal } from '@deed/proto/ids'
import type { ExecutionRow } from './snapshot.ts'

/** Options of a call that belongs to an execution. */
export const onBehalfOf = ({
  tenant,
  user_name: user,
  trace,
}: Pick<ExecutionRow, 'tenant' | 'user_name' | 'trace'>): { principal: Principal; trace: string } => ({
  principal: { tenant, user },
  trace,
})
