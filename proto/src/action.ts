/** Actions: one concrete effect, its verification, and its preconditions. */
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

/** The meanings of names, or the states of files, by name; readable for people, and compared as text. */
export const Facts = z.record(z.string().max(1_024), z.string().max(1_024))
export type Facts = z.output<typeof Facts>

/**
 * How the words of a task were understood, where they are not a rule's own words. similarity: they are near those of a
 * rule. learned: they are this tenant's own words. choice: a person chose the reading. model: a model's plan. recalled:
 * a verified plan of an earlier request with similar words.
 */
export const ReadBy = z.enum(['similarity', 'learned', 'choice', 'model', 'recalled'])
export type ReadBy = z.output<typeof ReadBy>

/** Words, and what they were understood as. */
export const WordsRead = z.object({
  /** The words of the task. */
  of: z.string().min(1).max(1024),
  /** The same in Deed's own words. Absent: as the titles of the actions say. */
  text: z.string().min(1).max(512).optional(),
  by: ReadBy,
})
export type WordsRead = z.output<typeof WordsRead>

/** An action as it is planned, sealed and run. An approval is bound to its hash, over canonical JSON (RFC 8785). */
export const Action = z.object({
  kind: ActionKind,
  kind_version: z.int().min(1).default(1),
  /** The kind's own arguments; the executor has their schema. */
  input: JsonObject,
  /** The named workspace, or the folder below one, for relative paths. */
  workspace: z.string().max(4096).optional(),
  /** An additional postcondition, besides the kind's own verification. */
  verify: Observation.optional(),
  /**
   * What is done where the postcondition holds beforehand. skip: nothing. run: the effect all the same. Absent: nothing
   * where the kind itself sees that nothing is left to do; a proof of the caller's that holds beforehand proves nothing.
   */
  already_so: z.enum(['skip', 'run']).optional(),
  /** The required state of the target, in its kind's format (`absent`, `sha256:...`); otherwise nothing is done. */
  expect_before: z.string().max(256).optional(),
  /** The minimum sandbox for the program that it starts, as shown to the approver; otherwise nothing is done. */
  expect_sandbox: z.string().max(256).optional(),
  /**
   * The required meanings of its names, as in `victim.command`: of targets, workspaces and secrets; otherwise nothing
   * is done.
   */
  expect_resolved: Facts.optional(),
  /** The required states of the files that its arguments name, by path; otherwise nothing is done. */
  expect_files: Facts.optional(),
  /** Observe, and do nothing: it was approved as no change, so it must not become one. */
  observe_only: z.boolean().default(false),
  /**
   * The untrusted texts that a model had read besides the task's words when it proposed this, as in `context.log`.
   * Sealed, so that they are known when the action is planned again, or comes from a cache.
   */
  untrusted_sources: z.array(z.string().max(256)).min(1).max(32).optional(),
  /**
   * The words of the task that were understood as this action; absent where a rule knows the very words. Sealed, so
   * that the approver sees the request next to its interpretation, and so that it stays one when it is planned again.
   */
  reading: WordsRead.optional(),
  /** For a read-only check: what it checks, a criterion or the task's own words. Derived by rules, never by a model. */
  checks: z.string().min(1).max(4096).optional(),
  timeout_ms: z.int().min(1).max(86_400_000).default(60_000),
})
export type Action = z.output<typeof Action>

/** Whether an action can be undone: to the byte, by another action, or not at all. */
export const Reversibility = z.enum(['reversible', 'compensable', 'irreversible'])
export type Reversibility = z.output<typeof Reversibility>

export const EffectClass = z.enum(['read', 'create', 'change', 'delete', 'run'])
export type EffectClass = z.output<typeof EffectClass>

/** What is known about an action before it runs. */
export const Inspection = z.object({
  effect: EffectClass,
  reversibility: Reversibility,
  /** The postcondition already holds. */
  already_so: z.boolean(),
  /** The current state, in the format of `Action.expect_before`. */
  state_before: z.string().max(256),
  /** A sentence: what it would do, to what. */
  summary: z.string().max(4096),
  /** A unified diff, if the target is text. */
  diff: z.string().max(65_536).optional(),
  /** The environment label of the target, if it has one. */
  environment: z.string().optional(),
  /** The sandbox for the program that it would start, as in `bwrap+seccomp`; absent: it starts none. */
  sandbox: z.string().optional(),
  /** The verification afterwards: only if this is observed to hold, the action is done. */
  observes: Observation.optional(),
  resolved: JsonObject,
  /** The meanings of its names, in the format of `Action.expect_resolved`. */
  means: Facts.default({}),
  /**
   * The states of the files that its arguments name, in the format of `Action.expect_files`; absent: the state of the
   * target covers everything.
   */
  files: Facts.optional(),
})
export type Inspection = z.output<typeof Inspection>

export const inspectAction = request({
  subject: 'action.inspect',
  owner: 'executor',
  summary: 'What actions would encounter and do. Nothing is changed.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.object({ execution_id: ExecutionId, actions: z.array(Action).min(1).max(1000) }),
  /** In the order of the actions; an action that cannot be inspected has an error instead. */
  output: z.object({
    inspections: z.array(z.union([z.object({ inspection: Inspection }), z.object({ error: ErrorBody })])),
  }),
})

/** Whether inputs match the schemas of their kinds, before anything is planned with them. Targets are not read. */
export const checkInputs = request({
  subject: 'action.check',
  owner: 'executor',
  summary: 'Whether the inputs of actions match the schemas of their kinds.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.object({ actions: z.array(Action).min(1).max(1000) }),
  /** The first action with a wrong input, from 0, with what to change. */
  output: z.object({ fault: z.object({ index: z.int(), error: ErrorBody }).nullable() }),
})

/** The current meaning of names in a grant, so that the grant ends when a name means something else. */
export const resolveNames = request({
  subject: 'action.resolve',
  owner: 'executor',
  summary: "The meaning of a target and a workspace of execution.yaml for the executor's kinds.",
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    kind: ActionKind,
    target: z.string().max(256).optional(),
    /** Null: the default workspace. */
    workspace: z.string().max(4096).nullable().optional(),
  }),
  output: z.object({ means: Facts }),
})

/** What is known about an action before it is undone. */
export const UndoInspection = z.object({
  action_id: ActionId,
  execution_id: ExecutionId,
  task_id: TaskId,
  kind: ActionKind,
  reversibility: Reversibility,
  /** It has been undone already. */
  undone: z.boolean(),
  /** The state of its target. before: no effect is left. elsewhere: it has been changed since. */
  at: z.enum(['before', 'after', 'elsewhere', 'unknown']),
  /** What was observed, in a sentence. */
  observed: z.string(),
  /** A name means something else than when it was done, in a sentence: so it is not undone. */
  means_otherwise: z.string().optional(),
})
export type UndoInspection = z.output<typeof UndoInspection>

export const inspectUndo = request({
  subject: 'action.inspect-undo',
  owner: 'executor',
  summary: 'What undoing actions would encounter. Nothing is changed.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.object({ action_ids: z.array(ActionId).min(1).max(10_000) }),
  /** Only actions that were begun in the caller's tenant. */
  output: z.object({ actions: z.array(UndoInspection) }),
})

/** The built-in kinds of the executor, and those that people do, for people and planners. */
export const listKinds = request({
  subject: 'action.kinds',
  owner: 'executor',
  summary: 'Every built-in kind of action, with its input and an example.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({
    kinds: z.array(
      z.object({
        name: ActionKind,
        version: z.int(),
        /** Of the example; other inputs may have another effect. */
        effect: EffectClass,
        /** Of the example under normal conditions: a workspace too large for a snapshot makes it irreversible. */
        reversibility: Reversibility,
        idempotent: z.boolean(),
        /** person, organization: it waits for a decision, and no executor runs it. */
        done_by: z.enum(['executor', 'person', 'organization']).default('executor'),
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

/** do: establish the postcondition. undo: restore the previous state. */
export const Intent = z.enum(['do', 'undo'])
export type Intent = z.output<typeof Intent>

/**
 * Work for an executor. The message is a hint: the task's row decides whether it may act, in the statement that writes
 * the intent.
 */
export const workAct = work({
  subject: 'work.act',
  owner: 'orchestrator',
  summary: 'Do, or undo, one action.',
  stream: 'WORK',
  consumer: 'executor',
  gathered: true,
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

/** The result of one attempt at an action. */
export const ActionResult = z.object({
  /** In a sentence, for a reader. */
  text: z.string().max(65_536),
  data: Json.optional(),
})
export type ActionResult = z.output<typeof ActionResult>

/**
 * Deletes the data of executions that ended long ago: ledger, observations, snapshots for undo. They can no longer be
 * rolled back. A repeat changes nothing.
 */
export const forgetActions = request({
  subject: 'action.forget',
  owner: 'executor',
  summary: 'Delete the data of executions that ended long ago.',
  timeoutMs: 30_000,
  idempotent: true,
  input: z.object({ execution_ids: z.array(ExecutionId).min(1).max(500) }),
  output: z.object({ actions: z.int().min(0) }),
})
