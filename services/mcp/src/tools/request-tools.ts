/** Requesting work: its plan, or the work itself. */
import { randomUUIDv7 } from 'node:crypto'
import { SealedStep } from '@deed/proto/approval'
import { IdempotencyKey, requestExecution, TASK_CHARS_MAX } from '@deed/proto/execution'
import { parseTraceparent } from '@deed/telemetry/trace-context'
import { z } from 'zod'
import { tool } from '../serving/tool.ts'
import { awaitExecution, WAIT_SECONDS_MAX } from './await-execution.ts'
import { ExecutionOut, executionView, worldText } from './execution-view.ts'

const WAIT_SECONDS = 20
const STEPS_MAX = 50

export const waitSeconds = z
  .number()
  .min(0)
  .max(WAIT_SECONDS_MAX)
  .default(WAIT_SECONDS)
  .describe('how long to wait for its end')

const Task = {
  task: z.string().min(1).max(TASK_CHARS_MAX).describe('what to do, in plain words: write "hello" to notes.txt'),
  workspace: z.string().min(1).max(4_096).optional(),
  target_file: z.string().min(1).max(4_096).optional(),
  acceptance_criteria: z.array(z.string().min(1).max(4_096)).max(20).optional(),
}
const TaskIn = z.strictObject(Task)

/** The fields of a request, as the contract has them. */
function requestOf({ task, workspace, target_file, acceptance_criteria }: z.output<typeof TaskIn>) {
  return {
    task,
    ...(acceptance_criteria ? { acceptance_criteria } : {}),
    ...(workspace !== undefined || target_file !== undefined
      ? { context: { ...(workspace ? { workspace } : {}), ...(target_file ? { target_file } : {}) } }
      : {}),
  }
}

export const runTask = tool({
  name: 'run_task',
  title: 'Do a task',
  description:
    'Does a task, observes that it is done, stores how to undo it. Changes of what exists wait for a person. A repeat with the same idempotency_key is the same execution.',
  input: z.strictObject({
    ...Task,
    idempotency_key: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[!-~]+$/)
      .optional(),
    wait_seconds: waitSeconds,
  }),
  output: ExecutionOut,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  async run({ idempotency_key: key = randomUUIDv7(), wait_seconds: seconds, ...asked }, call) {
    const bus = await call.mesh.bus()
    const request = { ...requestOf(asked), mode: 'background' as const, idempotency_key: IdempotencyKey.parse(key) }
    const { execution_id } = await bus.call(requestExecution, request, {
      principal: call.agent,
      repeat: true,
      ...traceOf(call),
    })
    return executionView(await awaitExecution(bus, { execution_id }, seconds, call))
  },
})

/** The trace of the client, where it sends one. */
function traceOf({ context }: { context: { mcpReq: { _meta?: Record<string, unknown> } } }): { trace?: string } {
  const given = context.mcpReq._meta?.traceparent
  return typeof given === 'string' && parseTraceparent(given) ? { trace: given } : {}
}

export const planTask = tool({
  name: 'plan_task',
  title: 'Show the plan of a task',
  description:
    'What run_task would do: steps, levels of approval (0: none), whether each can be undone. Nothing is done.',
  input: TaskIn,
  output: z.strictObject({
    steps: z.array(
      z.strictObject({
        kind: z.string(),
        level: z.number(),
        undo: z.string().describe('reversible, compensable, irreversible, or none to undo'),
        untrusted: z.string().describe('what it does'),
      }),
    ),
    omitted: z.number(),
    question: z.string().optional().describe('untrusted: set if the words have several meanings'),
    next: z.string(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async run(asked, { mesh, agent, context }) {
    const bus = await mesh.bus()
    const request = { ...requestOf(asked), dry_run: true }
    const shown = await bus.call(requestExecution, request, { principal: agent, signal: context.mcpReq.signal })
    const { actions } = Plan.parse(shown.result?.data ?? {})
    const steps = actions.map(({ action, level, reversibility, summary, title }) => ({
      kind: String(action.kind),
      level,
      undo: reversibility ?? 'none',
      untrusted: worldText(summary || title),
    }))
    return {
      steps: steps.slice(0, STEPS_MAX),
      omitted: Math.max(0, steps.length - STEPS_MAX),
      ...(shown.question ? { question: worldText(shown.question.text) } : {}),
      next: shown.question
        ? 'Ask the person what is meant, and plan again with clearer words.'
        : 'run_task with the same arguments does it; a level above 0 waits for a person.',
    }
  },
})

const Plan = z.object({ actions: z.array(SealedStep).default([]) })
