/** One concrete effect: what is done, how it is seen to be done, and what it met. */
import { z } from 'zod'
import { request, work } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ActionId, ExecutionId, FencingToken, TaskId } from './ids.ts'
import { Json, JsonObject } from './json.ts'
import { Observation } from './observation.ts'

export const ActionKind = z
  .string()
  .regex(/^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$/)
  .max(64)

/** What names mean, or how files are, each by its name; for people to read, and compared as text. */
export const Facts = z.record(z.string().max(1_024), z.string().max(1_024))
export type Facts = z.output<typeof Facts>

/**
 * An action as it is planned, sealed and run. What an approval is bound to is the hash of this,
 * in canonical JSON (RFC 8785).
 */
export const Action = z.object({
  kind: ActionKind,
  kind_version: z.int().min(1).default(1),
  /** The kind's own arguments; its schema is the executor's. */
  input: JsonObject,
  /** The named workspace or the folder below one that relative paths start from. */
  workspace: z.string().max(4096).optional(),
  /** The postcondition, beside what the kind itself observes. */
  verify: Observation.optional(),
  /**
   * What is done where the postcondition holds beforehand. skip: nothing. run: the effect all the same. Absent: nothing
   * where the kind itself sees that nothing is left to do; a proof of the caller's that holds beforehand proves nothing.
   */
  already_so: z.enum(['skip', 'run']).optional(),
  /** The state that the target must be in, as its kind words it (`absent`, `sha256:...`); else nothing is done. */
  expect_before: z.string().max(256).optional(),
  /** What must confine the program that it starts, at least: what it was shown with; else nothing is done. */
  expect_sandbox: z.string().max(256).optional(),
  /** What its names must mean, as in `victim.command`: what a target, a workspace or a secret stands for; else nothing is done. */
  expect_resolved: Facts.optional(),
  /** How the files must be that its arguments name, by their paths; else nothing is done. */
  expect_files: Facts.optional(),
  /** Look, and do nothing: approved as a change to nothing, so it may not become one. */
  observe_only: z.boolean().default(false),
  /**
   * What a model had read besides the task's own words when it proposed this, as in `context.log`: text that nobody
   * vouches for. Sealed with the rest, so that it is not forgotten where the action is planned anew, or out of a cache.
   */
  untrusted_sources: z.array(z.string().max(256)).min(1).max(32).optional(),
  /**
   * The words of the task that a model has read as this action. Sealed with the rest, so that whoever approves sees what
   * was asked for beside what it was understood as, and so that a proposal stays one where it is planned again.
   */
  reading_of: z.string().min(1).max(1024).optional(),
  /** Of what only observes: what it checks the task by, a criterion or the task's own words. Rules derive it, no model. */
  checks: z.string().min(1).max(4096).optional(),
  timeout_ms: z.int().min(1).max(86_400_000).default(60_000),
})
export type Action = z.output<typeof Action>

/** Whether an action can be undone: to the byte, by another action, or not at all. */
export const Reversibility = z.enum(['reversible', 'compensable', 'irreversible'])
export type Reversibility = z.output<typeof Reversibility>

export const EffectClass = z.enum(['read', 'create', 'change', 'delete', 'run'])
export type EffectClass = z.output<typeof EffectClass>

/** What there is to know about an action before it runs. */
export const Inspection = z.object({
  effect: EffectClass,
  reversibility: Reversibility,
  /** The postcondition holds already. */
  already_so: z.boolean(),
  /** The state met, in the words of `Action.expect_before`. */
  state_before: z.string().max(256),
  /** In a sentence: what it would do, to what. */
  summary: z.string().max(4096),
  /** Unified diff, where the target is text. */
  diff: z.string().max(65_536).optional(),
  /** The environment label of the target, where it has one. */
  environment: z.string().optional(),
  /** What confines the program that it would start, as in `bwrap+seccomp`; absent: it starts none. */
  sandbox: z.string().optional(),
  /** What will be looked at afterwards: only where this is seen to hold, it is done. */
  observes: Observation.optional(),
  resolved: JsonObject,
  /** What its names mean, in the words of `Action.expect_resolved`. */
  means: Facts.default({}),
  /** How the files are that its arguments name, in the words of `Action.expect_files`; absent: its kind says all by its state. */
  files: Facts.optional(),
})
export type Inspection = z.output<typeof Inspection>

export const inspectAction = request({
  subject: 'action.inspect',
  owner: 'executor',
  summary: 'What actions would meet and do. Nothing is changed.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.object({ execution_id: ExecutionId, actions: z.array(Action).min(1).max(1000) }),
  /** In the order of the actions; one that cannot be inspected has an error instead. */
  output: z.object({
    inspections: z.array(z.union([z.object({ inspection: Inspection }), z.object({ error: ErrorBody })])),
  }),
})

/** What a name means that a grant is given for, so that the grant ends where the name means something else. */
export const resolveNames = request({
  subject: 'action.resolve',
  owner: 'executor',
  summary: 'What a target and a workspace of execution.yaml stand for, to the kinds of the executor.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    kind: ActionKind,
    target: z.string().max(256).optional(),
    /** Null: the default one. */
    workspace: z.string().max(4096).nullable().optional(),
  }),
  output: z.object({ means: Facts }),
})

/** What there is to know about an action before it is undone. */
export const UndoInspection = z.object({
  action_id: ActionId,
  execution_id: ExecutionId,
  task_id: TaskId,
  kind: ActionKind,
  reversibility: Reversibility,
  /** It has been undone already. */
  undone: z.boolean(),
  /** Where its target stands. before: nothing is left of it. elsewhere: somebody has changed it since. */
  at: z.enum(['before', 'after', 'elsewhere', 'unknown']),
  /** What was seen, in a sentence. */
  observed: z.string(),
  /** A name means something else than when it was done, in a sentence: so it is not undone. */
  means_otherwise: z.string().optional(),
})
export type UndoInspection = z.output<typeof UndoInspection>

export const inspectUndo = request({
  subject: 'action.standing',
  owner: 'executor',
  summary: 'What undoing actions would meet. Nothing is changed.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.object({ action_ids: z.array(ActionId).min(1).max(10_000) }),
  /** Of those that were ever begun in the caller's tenant. */
  output: z.object({ actions: z.array(UndoInspection) }),
})

/** The kinds that the executor has of its own, and those that people do, for people and for whoever plans. */
export const listKinds = request({
  subject: 'action.kinds',
  owner: 'executor',
  summary: 'Every kind of action that there is without a provider, with its input and an example.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({
    kinds: z.array(
      z.object({
        name: ActionKind,
        version: z.int(),
        /** Of the example; other inputs may have another. */
        effect: EffectClass,
        /** Of the example, where nothing stands in the way: a workspace too large to be kept makes it irreversible. */
        reversibility: Reversibility,
        idempotent: z.boolean(),
        /** person: it waits for somebody, and no executor ever runs it. */
        done_by: z.enum(['executor', 'person']).default('executor'),
        /** What the example would do, in a sentence. */
        summary: z.string(),
        /** JSON Schema of the input. */
        input: JsonObject,
        example: JsonObject,
      }),
    ),
  }),
})
export type KindListing = z.output<typeof listKinds.output>['kinds'][number]

/** do: bring the postcondition about. undo: bring back what was there before. */
export const Intent = z.enum(['do', 'undo'])
export type Intent = z.output<typeof Intent>

/**
 * Work for an executor. The message is a hint: whether it may act is decided by the row of the task,
 * in the statement that writes the intent.
 */
export const workAct = work({
  subject: 'work.act',
  owner: 'orchestrator',
  summary: 'Do, or undo, one action.',
  stream: 'WORK',
  consumer: 'executor',
  payload: z.object({
    task_id: TaskId,
    execution_id: ExecutionId,
    tenant: z.string(),
    token: FencingToken,
    intent: Intent,
    action: Action,
    /** SHA-256 of the action's canonical JSON, in hex: the seal. */
    action_hash: z.string(),
  }),
})
export type WorkAct = z.output<typeof workAct.payload>

/** What came of one attempt at an action. */
export const ActionResult = z.object({
  /** In a sentence, for a reader. */
  text: z.string().max(65_536),
  data: Json.optional(),
})
export type ActionResult = z.output<typeof ActionResult>

/**
 * Forget what was kept for executions that ended long ago: ledger, observations, and what their undo would take. They
 * can no longer be rolled back. A repeat changes nothing.
 */
export const forgetActions = request({
  subject: 'action.forget',
  owner: 'executor',
  summary: 'Remove what was kept for executions that ended long ago.',
  timeoutMs: 30_000,
  idempotent: true,
  input: z.object({ execution_ids: z.array(ExecutionId).min(1).max(500) }),
  output: z.object({ actions: z.int().min(0) }),
})
