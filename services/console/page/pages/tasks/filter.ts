/** The filter of the list of tasks, in the address. */
import type { TaskStatus } from '@deed/proto/states'
import type { Input } from '../../app/contracts.ts'
import { oneOf, type Place, readQuery, uuid } from '../../app/router.ts'

/** In the order in which they matter to who looks for what is wrong. */
export const STATUSES = [
  'failed',
  'blocked',
  'in_progress',
  'pending',
  'done',
  'cancelled',
  'skipped',
  'undone',
] as const satisfies readonly TaskStatus[]

/** What has not ended. */
const OPEN: ReadonlySet<TaskStatus> = new Set(['pending', 'in_progress', 'blocked'])

export interface TaskFilter {
  readonly input: Pick<Input<'task.list'>, 'status' | 'open' | 'execution_id'>
  readonly wanted: (status: TaskStatus) => boolean
  readonly faults: readonly string[]
}

export function readTaskFilter(query: Place['query']): TaskFilter {
  const { values, faults } = readQuery(query, { status: oneOf([...STATUSES, 'open']), execution: uuid })
  const { status, execution } = values
  return {
    input: {
      ...(status === 'open' ? { open: true } : status === undefined ? {} : { status }),
      ...(execution === undefined ? {} : { execution_id: execution }),
    },
    wanted: (one) => status === undefined || (status === 'open' ? OPEN.has(one) : one === status),
    faults,
  }
}
