/** Tasks: the graph of a goal, desired against actual, and the outcomes of attempts. */
import { z } from 'zod'
import { Action, ActionResult, Intent } from './action.ts'
import { Solution } from './agent.ts'
import { request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ExecutionId, FencingToken, TaskId } from './ids.ts'
import { JsonObject } from './json.ts'
import { Evidence } from './observation.ts'
import { Capability, DesiredStatus, Method, TaskKind, TaskStatus } from './states.ts'

export const PHASES = ['specification', 'pseudocode', 'architecture', 'refinement', 'completion'] as const
export const Phase = z.enum(PHASES)
export type Phase = z.output<typeof Phase>

export const Complexity = z.enum(['simple', 'medium', 'complex'])
export type Complexity = z.output<typeof Complexity>

export const NODES_MAX = 10_000
export const EDGES_MAX = 100_000

/** Unique within its graph. */
export const NodeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)

/** A node of the task DAG. */
export const GoalNode = z.object({
  id: NodeName,
  /** The goal, or the phase or compound task that it is a part of. */
  parent: NodeName.optional(),
  kind: z.enum(['goal', 'phase', 'task']),
  title: z.string().max(512),
  /** The words that the task is solved from. */
  description: z.string().max(65_536),
  phase: Phase.optional(),
  depends_on: z.array(NodeName).default([]),
  acceptance_criteria: z.array(z.string().max(4096)).default([]),
  estimated_ms: z.int().min(0),
  estimated_cost_usd: z.number().min(0),
  capability: Capability.default('act'),
  /** An estimate for the reader; the level that is asked for comes from policy and the concrete actions. */
  risk: z.enum(['low', 'medium', 'high']).default('low'),
})
export type GoalNode = z.output<typeof GoalNode>

/** A node as a user proposes it. */
const ProposedNode = z.strictObject({
  id: NodeName,
  description: z.string().min(1).max(65_536),
  depends_on: z.array(NodeName).max(NODES_MAX).default([]),
  acceptance_criteria: z.array(z.string().max(4096)).max(100).default([]),
})

/** Nothing else can separate two clauses. */
const SEPARATOR = /[\n;,&]|[.!?]\s|\b(?:and|then|afterwards|finally|next|as well as)\b|\d[.)]\s/i

/** Whether the words could ask for more than one thing; false is certain, true is a question for `task.decompose`. */
export const mayBeSeveral = (text: string): boolean => SEPARATOR.test(text)

/**
 * A goal as a graph. The same goal gives the same graph. With `tasks` the caller proposes the graph,
 * and it is checked: ids, dependencies, cycles, limits.
 */
export const decomposeTask = request({
  subject: 'task.decompose',
  owner: 'task-decomposer',
  summary: 'Break a goal down into a graph of tasks.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.object({
    goal: z.string().min(1).max(65_536),
    complexity: Complexity.optional(),
    acceptance_criteria: z.array(z.string().max(4096)).max(100).optional(),
    context: JsonObject.optional(),
    tasks: z.array(ProposedNode).min(1).optional(),
  }),
  output: z.object({
    goal: z.string(),
    /** In an order in which every node comes after those it depends on. One task alone for a simple goal. */
    nodes: z.array(GoalNode).min(1),
    method: z.enum(['single', 'clauses', 'phases', 'proposed']),
    /** Longest way through the graph, by the estimates. */
    critical_path_ms: z.int().min(0),
  }),
})
export type Decomposition = z.output<typeof decomposeTask.output>

/**
 * The outcome of an attempt, repeated until it is answered. A report under an old token changes
 * nothing and is refused as `stale_token`; one that the executor's ledger contradicts, as `forbidden`.
 */
export const reportTask = request({
  subject: 'task.report',
  owner: 'orchestrator',
  summary: 'The outcome of an attempt.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.object({
    task_id: TaskId,
    execution_id: ExecutionId,
    token: FencingToken,
    /** Of the attempt in the executor's ledger. What has begun counts under it alone; see `docs/nats.md`. */
    attempt_key: z.uuid().optional(),
    worker_id: z.string().max(128),
    intent: z.union([Intent, z.literal('solve')]),
    outcome: z.enum(['done', 'failed']),
    /** Whether the world may have been changed by this or an earlier attempt. */
    effect: z.enum(['none', 'made', 'unknown']),
    error: ErrorBody.optional(),
    evidence: Evidence.optional(),
    result: ActionResult.optional(),
    solution: Solution.optional(),
    method: Method.optional(),
    model: z.string().max(256).optional(),
    tokens_used: z.int().min(0).default(0),
    cost_microusd: z.int().min(0).default(0),
    /** A model server's figures could not be: what is charged is the most that the calls may have cost. */
    cost_unknown: z.boolean().optional(),
    duration_ms: z.number().min(0),
  }),
  output: z.object({ recorded: z.boolean() }),
})
export type TaskReport = z.output<typeof reportTask.input>

/** Reads that each worker takes beyond the slots that it announces, so that they do not wait behind everything else. */
export const READING_SLOTS = 2

/** Every 2 s from each worker: extends its leases, announces its capacity, and brings back what must stop. */
export const heartbeatWorker = request({
  subject: 'worker.heartbeat',
  owner: 'orchestrator',
  summary: 'A worker is alive, runs these, and has room for more.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.object({
    worker_id: z.string().max(128),
    capability: Capability,
    slots: z.int().min(0).max(10_000),
    running: z.array(z.object({ task_id: TaskId, token: FencingToken })).max(10_000),
    /** It takes no more. */
    draining: z.boolean().default(false),
  }),
  output: z.object({
    /** From when the heartbeat was sent, in milliseconds. */
    lease_ms: z.int().min(1),
    /** Attempts that have lost their lease or are no longer wanted. */
    stop: z.array(z.object({ task_id: TaskId, token: FencingToken })),
  }),
})

/** Want beside have. */
export const TaskView = z.object({
  task_id: TaskId,
  execution_id: ExecutionId,
  name: z.string(),
  title: z.string(),
  task_kind: TaskKind,
  desired_status: DesiredStatus,
  actual_status: TaskStatus,
  dependencies: z.array(TaskId),
  agent: z.string().nullable(),
  failures: z.int(),
  error: ErrorBody.nullable(),
  level: z.int().min(0).max(3),
  action: Action.nullable(),
  /** Of the last attempt: what was claimed beside what was seen, whether or not it has held, and was undone since. */
  evidence: Evidence.nullable(),
  /** Of its undoing. */
  undo_evidence: Evidence.nullable().default(null),
  result: ActionResult.nullable(),
  started_at: z.iso.datetime().nullable(),
  finished_at: z.iso.datetime().nullable(),
})
export type TaskView = z.output<typeof TaskView>

export const listTasks = request({
  subject: 'task.list',
  owner: 'orchestrator',
  summary: 'Desired against actual.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    execution_id: ExecutionId.optional(),
    status: TaskStatus.optional(),
    /** pending, in progress and blocked ones alone. */
    open: z.boolean().default(false),
    limit: z.int().min(1).max(1000).default(100),
    /** `next_cursor` of the page before. */
    cursor: TaskId.optional(),
  }),
  /** Newest executions first, each in the order of its plan; fewer than asked for where their arguments are long. */
  output: z.object({ tasks: z.array(TaskView), next_cursor: TaskId.nullable().default(null) }),
})
