/** Pauses an execution, or resumes it. */
import { DeedError } from '@deed/proto/errors'
import { type Draft, record } from '../execution/draft.ts'

interface Wish {
  by: string
  reason: string | null
}

export function paused(draft: Draft, { by, reason }: Wish): void {
  const { execution } = draft
  if (execution.status === 'paused') return
  if (execution.ending !== null || !['planning', 'waiting', 'running'].includes(execution.status)) {
    throw new DeedError(
      'not_pausable',
      `the execution is ${execution.status}; only one that goes forward can be paused`,
    )
  }
  record(draft, 'execution.pause_requested', { by, reason })
  execution.status = 'paused'
  draft.executionChanged = true
}

export function resumed(draft: Draft, { by, reason }: Wish): void {
  const { execution } = draft
  if (execution.status !== 'paused') return
  record(draft, 'execution.resume_requested', { by, reason })
  // The next steps decide whether it runs or waits; without a plan there are none yet.
  execution.status = draft.tasks.size === 0 ? 'planning' : 'running'
  draft.executionChanged = true
}
