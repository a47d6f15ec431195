/** Steering an execution: cancel, pause, resume, retry, roll back. */
import type { RequestContract } from '@deed/proto/contract'
import * as steering from '@deed/proto/steering'
import type { ToolAnnotations } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { type Tool, tool } from '../serving/tool.ts'
import { Id, worldText } from './execution-view.ts'

const Reason = z.string().min(1).max(4_096).optional()
const Steered = z.strictObject({ execution_id: z.string(), status: z.string(), next: z.string() })
const STEPS_MAX = 50

interface Verb {
  readonly contract: RequestContract
  readonly title: string
  readonly description: string
  readonly annotations: ToolAnnotations
  readonly next: string
  readonly more?: z.ZodRawShape
}

function verb(name: string, { contract, title, description, annotations, next, more = {} }: Verb): Tool {
  return tool({
    ...{ name, title, description, annotations: { openWorldHint: false, ...annotations } },
    input: z.strictObject({ execution_id: Id, reason: Reason, ...more }),
    output: Steered,
    async run(asked, { mesh, agent }) {
      const bus = await mesh.bus()
      const done = await bus.call(contract, asked, { principal: agent })
      const { execution_id, status } = Current.parse(done)
      return { execution_id, status, next }
    },
  })
}

const Current = z.object({ execution_id: z.string(), status: z.string() })

export const STEERING: readonly Tool[] = [
  verb('cancel', {
    contract: steering.cancelExecution,
    title: 'Cancel an execution',
    description: 'Stops an execution. What was done stays done unless undo is true.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    next: 'wait_execution waits until it has ended.',
    more: { undo: z.boolean().default(false) },
  }),
  verb('pause', {
    contract: steering.pauseExecution,
    title: 'Pause an execution',
    description: 'Begins no further step of an execution; what runs ends.',
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    next: 'resume continues it.',
  }),
  verb('resume', {
    contract: steering.resumeExecution,
    title: 'Resume an execution',
    description: 'Continues a paused execution.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    next: 'wait_execution waits for its end.',
  }),
  verb('retry', {
    contract: steering.retryExecution,
    title: 'Retry an execution',
    description: 'Tries again what failed, was cancelled or undone, from the first unfinished step.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
    next: 'wait_execution waits for its end.',
  }),
]

export const rollback = tool({
  name: 'rollback',
  title: 'Undo an execution',
  description:
    'Undoes an ended execution, and observes that. Unless dry_run is false it only shows what would be undone.',
  input: z.strictObject({ execution_id: Id, dry_run: z.boolean().default(true), reason: Reason }),
  output: z.strictObject({
    execution_id: z.string(),
    status: z.string(),
    level: z.number().describe('of the approval that it needs; 0: none'),
    approval_id: z.string().optional(),
    steps: z.array(z.strictObject({ outlook: z.enum(['undo', 'nothing', 'cannot']), untrusted: z.string() })),
    next: z.string(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run(asked, { mesh, agent }) {
    const bus = await mesh.bus()
    const done = await bus.call(steering.rollbackExecution, asked, { principal: agent })
    const { execution_id, status, level, approval_id: approval, steps } = done
    return {
      ...{ execution_id, status, level },
      ...(approval === null ? {} : { approval_id: approval }),
      steps: steps.slice(0, STEPS_MAX).map(({ outlook, title, why }) => ({
        outlook,
        untrusted: worldText(why === null ? title : `${title}: ${why}`),
      })),
      next: asked.dry_run
        ? 'rollback with dry_run false undoes it.'
        : approval === null
          ? 'wait_execution waits until it is undone.'
          : 'Nothing is undone before a person agrees: decide_approval asks them.',
    }
  },
})
