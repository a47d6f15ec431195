/** Tasks: the graph of a goal, desired and actual state, and the outcomes of attempts. */
import { z } from 'zod'
import { Action, ActionResult, Intent } from './action.ts'
import { Solution } from './agent.ts'
import { request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ExecutionId, FencingToken, TaskId } from './ids.ts'
import { misspeltJoints } from './joints.ts'
import { JsonObject } from './json.ts'
import { Evidence } from './observation.ts'
import { Capability, DesiredStatus, Method, TaskKind, TaskStatus } from './states.ts'
import { Language } from './template.ts'

export const PHASES = ['specification', 'pseudocode', 'architecture', 'refinement', 'completion'] as const
export const Phase = z.enum(PHASES)
export type Phase = z.output<typeof Phase>

export const Complexity = z.enum(['simple', 'medium', 'complex'])
export type Complexity = z.output<typeof Complexity>

export const NODES_MAX = 10_000
export const EDGES_MAX = 100_000

/** Unique within its graph. */
export const NodeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)

/** What proves that a task is done. */
export const NodeCheck = z.discriminatedUnion('by', [
  /** It becomes one of these kinds of action, each of which is observed by other means than those that did it. */
  z.object({ by: z.literal('kind'), kinds: z.array(z.string()).min(1) }),
  /** Its acceptance criteria are observed. */
  z.object({ by: z.literal('criteria') }),
  z.object({ by: z.literal('unverifiable'), why: z.string() }),
])
export type NodeCheck = z.output<typeof NodeCheck>

/** A node of the task DAG. */
export const GoalNode = z.object({
  id: NodeName,
  /** Its parent: the goal, a phase, or a compound. */
  parent: NodeName.optional(),
  /** A compound is done when its tasks are; only tasks are executed. */
  kind: z.enum(['goal', 'phase', 'compound', 'task']),
  title: z.string().max(512),
  /** The words that the task is solved from. */
  description: z.string().max(65_536),
  phase: Phase.optional(),
  depends_on: z.array(NodeName).default([]),
  acceptance_criteria: z.array(z.string().max(4096)).default([]),
  estimated_ms: z.int().min(0),
  estimated_cost_usd: z.number().min(0),
  capability: Capability.default('act'),
  /** An estimate for display; policy computes the approval level from the concrete actions. */
  risk: z.enum(['low', 'medium', 'high']).default('low'),
  /** Of its words, its proof and everything that it waits for: equal in any two plans that hold the same work. */
  key: z.string().optional(),
  /** The method or operator that knows it, as `pack/name`. */
  method: z.string().optional(),
  /** In which its code is written, whatever the language of the request. */
  language: Language.optional(),
  check: NodeCheck.optional(),
  /** Facts that must hold before; a task that makes one of them is waited for. */
  needs: z.array(z.string()).optional(),
  /** Facts that hold afterwards: `file src/a.js`, `running demo-api`. */
  makes: z.array(z.string()).optional(),
  /** It changes nothing: it observes what these nodes have made. */
  verifies: z.array(NodeName).optional(),
})
export type GoalNode = z.output<typeof GoalNode>

/** A node as a user proposes it. */
const ProposedNode = z.strictObject({
  id: NodeName,
  description: z.string().min(1).max(65_536),
  depends_on: z.array(NodeName).max(NODES_MAX).default([]),
  acceptance_criteria: z.array(z.string().max(4096)).max(100).default([]),
})

/** Two clauses are separated by one of these. */
const SEPARATOR =
  /[\n;,&]|[.!?]\s|\b(?:and|then|afterwards|before|after|but|finally|followed by|next|once|when|as well as)\b|\d[.)]\s/i

/** Whether the words could ask for more than one thing; false is certain, true is a question for `task.decompose`. */
export const mayBeSeveral = (text: string): boolean => SEPARATOR.test(text) || misspeltJoints(text).length > 0

/**
 * Breaks a goal down into a graph. The same goal gives the same graph. With `tasks` the caller proposes the graph, and
 * it is validated: ids, dependencies, cycles, limits.
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
    language: Language.optional(),
    acceptance_criteria: z.array(z.string().max(4096)).max(100).optional(),
    context: JsonObject.optional(),
    tasks: z.array(ProposedNode).min(1).optional(),
  }),
  output: z.object({
    goal: z.string(),
    /** In dependency order. A simple goal has one task. */
    nodes: z.array(GoalNode).min(1),
    method: z.enum(['single', 'clauses', 'methods', 'phases', 'proposed']),
    /** The longest path through the graph, by the estimates. */
    critical_path_ms: z.int().min(0),
  }),
})
export type Decomposition = z.output<typeof decomposeTask.output>

/** How a task is divided. Nothing is done, and nothing is stored. */
export const explainPlan = request({
  subject: 'task.explain',
  owner: 'task-decomposer',
  summary: 'How a task is divided; nothing is done.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    task: z.string().min(1).max(65_536),
    complexity: Complexity.optional(),
    language: Language.optional(),
    acceptance_criteria: z.array(z.string().min(1).max(4096)).max(100).optional(),
  }),
  output: decomposeTask.output,
})

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
  each: true,
  input: z.object({
    task_id: TaskId,
    execution_id: ExecutionId,
    token: FencingToken,
    /** Of the attempt in the executor's ledger. What has begun counts under it alone; see `docs/nats.md`. */
    attempt_key: z.uuid().optional(),
    worker_id: z.string().max(128),
    intent: z.union([Intent, z.literal('solve')]),
    outcome: z.enum(['done', 'failed']),
    /** Whether this or an earlier attempt may have changed the world. */
    effect: z.enum(['none', 'made', 'unknown']),
    /** It made an effect again that an earlier attempt had made and seen. */
    repeated: z.boolean().optional(),
    error: ErrorBody.optional(),
    evidence: Evidence.optional(),
    result: ActionResult.optional(),
    solution: Solution.optional(),
    method: Method.optional(),
    model: z.string().max(256).optional(),
    tokens_used: z.int().min(0).default(0),
    cost_microusd: z.int().min(0).default(0),
    /** A model server reported invalid usage: the maximum cost of the calls is charged. */
    cost_unknown: z.boolean().optional(),
    duration_ms: z.number().min(0),
  }),
  output: z.object({ recorded: z.boolean() }),
})
export type TaskReport = z.output<typeof reportTask.input>

/** How a task occupies a worker: it only reads; it is a short change; or it may take long. */
export type Pace = 'read' | 'short' | 'long'

/** Additional slots of a worker that only such tasks take, so that they do not wait behind others. */
export const OWN_SLOTS: Readonly<Record<Pace, number>> = { read: 2, short: 50, long: 0 }
export const OWN_SLOTS_SUM = OWN_SLOTS.read + OWN_SLOTS.short + OWN_SLOTS.long

/**
 * Sent by each worker every 2 s: extends its leases, announces its capacity, and returns the attempts that must stop.
 */
export const heartbeatWorker = request({
  subject: 'worker.heartbeat',
  owner: 'orchestrator',
  summary: 'A worker is alive, runs these tasks, and has free slots.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.object({
    worker_id: z.string().max(128),
    capability: Capability,
    slots: z.int().min(0).max(10_000),
    running: z.array(z.object({ task_id: TaskId, token: FencingToken })).max(10_000),
    /** It accepts no more tasks. */
    draining: z.boolean().default(false),
  }),
  output: z.object({
    /** Counted from when the heartbeat was sent, in milliseconds. */
    lease_ms: z.int().min(1),
    /** Attempts that have lost their lease or were cancelled. */
    stop: z.array(z.object({ task_id: TaskId, token: FencingToken })),
  }),
})

/** Desired and actual state. */
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
  /** Of the last attempt: the claim and the observation, whether or not it held, and also if it was undone since. */
  evidence: Evidence.nullable(),
  /** Of its undo. */
  undo_evidence: Evidence.nullable().default(null),
  result: ActionResult.nullable(),
  started_at: z.iso.datetime().nullable(),
  finished_at: z.iso.datetime().nullable(),
})
export type TaskView = z.output<typeof TaskView>

export const listTasks = request({
  subject: 'task.list',
  owner: 'orchestrator',
  summary: 'Desired and actual state of tasks.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    execution_id: ExecutionId.optional(),
    status: TaskStatus.optional(),
    /** Only pending, running and blocked tasks. */
    open: z.boolean().default(false),
    limit: z.int().min(1).max(1000).default(100),
    /** `next_cursor` of the previous page. */
    cursor: TaskId.optional(),
  }),
  /** Newest executions first, each in plan order; fewer than requested if their arguments are long. */
  output: z.object({ tasks: z.array(TaskView), next_cursor: TaskId.nullable().default(null) }),
})
