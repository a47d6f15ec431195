/** Reading: one execution, many, and waiting for one. */

import { DeedError } from '@deed/proto/errors'
import { getExecution, listExecutions } from '@deed/proto/execution'
import { defined } from '@deed/proto/json'
import { EXECUTION_STATUSES } from '@deed/proto/states'
import { z } from 'zod'
import { tool } from '../serving/tool.ts'
import { awaitExecution } from './await-execution.ts'
import { ExecutionOut, executionView, Id, worldText } from './execution-view.ts'
import { waitSeconds } from './request-tools.ts'

const READS = { readOnlyHint: true, openWorldHint: false }
const LISTED = 20
const LISTED_MAX = 50

export const getExecutionTool = tool({
  name: 'get_execution',
  title: 'Read an execution',
  description: 'State, result and evidence of an execution, by its id or by the idempotency_key of its request.',
  input: z.strictObject({ execution_id: Id.optional(), idempotency_key: z.string().min(1).max(256).optional() }),
  output: ExecutionOut,
  annotations: READS,
  async run({ execution_id, idempotency_key }, { mesh, agent, context }) {
    if ((execution_id === undefined) === (idempotency_key === undefined))
      throw new DeedError('invalid_request', 'give one of execution_id and idempotency_key')
    const which = defined({ execution_id, idempotency_key })
    const bus = await mesh.bus()
    return executionView(await bus.call(getExecution, which, { principal: agent, signal: context.mcpReq.signal }))
  },
})

export const waitExecution = tool({
  name: 'wait_execution',
  title: 'Wait for an execution',
  description:
    'Waits until an execution has ended or waits for a person, 25 seconds at most. It continues when nobody waits.',
  input: z.strictObject({ execution_id: Id, wait_seconds: waitSeconds }),
  output: ExecutionOut,
  annotations: READS,
  async run({ execution_id, wait_seconds: seconds }, call) {
    return executionView(await awaitExecution(await call.mesh.bus(), { execution_id }, seconds, call))
  },
})

export const listExecutionsTool = tool({
  name: 'list_executions',
  title: 'List executions',
  description: 'Executions of the tenant, newest first. For the next page give next_cursor as cursor.',
  input: z.strictObject({
    status: z.enum(EXECUTION_STATUSES).optional(),
    text: z.string().min(1).max(256).optional().describe('a part of the words of the task'),
    only: z.enum(['open', 'verified', 'unverified']).optional(),
    limit: z.number().int().min(1).max(LISTED_MAX).default(LISTED),
    cursor: Id.optional(),
  }),
  output: z.strictObject({
    executions: z.array(
      z.strictObject({
        execution_id: z.string(),
        status: z.string(),
        user: z.string(),
        verified: z.boolean(),
        created_at: z.string(),
        untrusted: z.string().describe('the words of the task'),
      }),
    ),
    next_cursor: z.string().optional(),
    as_of: z.string(),
    next: z.string(),
  }),
  annotations: READS,
  async run(asked, { mesh, agent, context }) {
    const bus = await mesh.bus()
    const { executions, next_cursor: cursor } = await bus.call(listExecutions, defined(asked), {
      principal: agent,
      signal: context.mcpReq.signal,
    })
    return {
      executions: executions.map(({ execution_id, status, user, success, created_at, task }) => ({
        ...{ execution_id, status, user, verified: success, created_at },
        untrusted: worldText(task),
      })),
      ...(cursor === null ? {} : { next_cursor: cursor }),
      as_of: new Date().toISOString(),
      next: 'get_execution shows one with its evidence.',
    }
  },
})
