/** Work that a role asks for: an ordinary execution, with its plan, its level and its undo, in the name of the role. */
import { randomUUIDv7 } from 'node:crypto'
import { SealedStep } from '@deed/proto/approval'
import { type ExecutionReply, IdempotencyKey, requestExecution } from '@deed/proto/execution'
import { linkCriterion } from '@deed/proto/organization-work'
import { WorkflowName } from '@deed/proto/workflow'
import { z } from 'zod'
import { Id, worldText } from '../tools/execution-view.ts'
import type { Work } from './role-tool.ts'

const STEPS_MAX = 20
/** How long tests, an audit or a drill may take: an action that says nothing has a minute. */
export const RUN_MS_MAX = 1_800_000

export const Requested = {
  execution_id: z.string().nullable().describe('null: a dry run'),
  status: z.string(),
  plan: z.array(z.strictObject({ kind: z.string(), level: z.number(), untrusted: z.string() })),
}

export const Parameters = z.record(
  z.string().regex(/^[a-z][a-z0-9_]{0,62}$/),
  z.union([z.string().max(4_096), z.number(), z.array(z.string().max(1_024)).max(50)]),
)

/** A workflow and its parameters. */
export const Responding = z
  .strictObject({ name: WorkflowName.default('incident_response'), set: Parameters.default({}) })
  .describe('a workflow, and its parameters such as target')

/** Which acceptance criterion an execution is to show. */
export const Proves = z
  .strictObject({ feature_id: Id, criterion: z.number().int().min(0).max(49) })
  .optional()
  .describe('links the execution to an acceptance criterion')

type Wanted = Omit<z.input<typeof requestExecution.input>, 'mode' | 'idempotency_key'>

export async function requestWork(
  work: Work,
  { proves, ...wanted }: Wanted & { proves?: z.output<typeof Proves> },
): Promise<z.input<z.ZodObject<typeof Requested>> & { next: string }> {
  const shown = await work.ask(requestExecution, { ...wanted, dry_run: true })
  const plan = planOf(shown)
  if (wanted.dry_run)
    return { execution_id: null, status: 'shown', plan, next: 'Nothing is done; dry_run false does it.' }
  if (shown.question)
    return {
      execution_id: null,
      status: 'unclear',
      plan,
      next: `Ask in clearer words: ${worldText(shown.question.text)}`,
    }
  const key = IdempotencyKey.parse(randomUUIDv7())
  const { execution_id, status } = await work.ask(requestExecution, {
    ...wanted,
    mode: 'background',
    idempotency_key: key,
  })
  if (proves)
    await work.ask(
      linkCriterion,
      linkCriterion.input.parse({ backlog_id: proves.feature_id, criterion: proves.criterion, execution_id }),
    )
  return { execution_id, status, plan, next: `A level above 0 waits for a person; deed://executions/${execution_id}` }
}

const Plan = z.object({ actions: z.array(SealedStep).default([]) })

function planOf({ result }: ExecutionReply) {
  const { actions } = Plan.parse(result?.data ?? {})
  return actions.slice(0, STEPS_MAX).map(({ action, level, summary, title }) => ({
    ...{ kind: String(action.kind), level },
    untrusted: worldText(summary || title),
  }))
}
