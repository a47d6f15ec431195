/** Manifests: graphs of tasks that users write, each in plain words or as an action. */
import { z } from 'zod'
import { Action } from './action.ts'
import { request } from './contract.ts'
import { NodeName } from './task.ts'

/** Identifies a manifest across its versions. */
export const ManifestName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)

const Level = z.enum(['low', 'normal', 'high'])
/** undo: earlier tasks are undone. ask: the others continue, and a person is asked. */
const OnFailure = z.enum(['undo', 'ask'])
const Criteria = z.array(z.string().min(1).max(4096)).max(100)

/** Policy determines preconditions and sandbox. */
const GivenAction = z.strictObject(
  Action.omit({
    expect_before: true,
    expect_sandbox: true,
    expect_resolved: true,
    expect_files: true,
    observe_only: true,
    untrusted_sources: true,
  }).shape,
)

export const ManifestTask = z
  .strictObject({
    id: NodeName,
    task: z.string().min(1).max(65_536).optional(),
    action: GivenAction.optional(),
    depends_on: z.array(NodeName).default([]),
    priority: Level.optional(),
    on_failure: OnFailure.optional(),
    /** Of the tenant's tasks with the same key, one runs at a time. */
    concurrency_key: z.string().min(1).max(128).optional(),
    /** For a task in words; an action is verified by its `verify`. */
    acceptance_criteria: Criteria.optional(),
  })
  .refine(({ task, action }) => (task === undefined) !== (action === undefined), {
    message: 'give either a task, in plain words, or an action',
  })
export type ManifestTask = z.output<typeof ManifestTask>

/** The graph itself (ids, dependencies, cycles, limits) is validated by `checkGraph`. */
export const Manifest = z.strictObject({
  name: ManifestName,
  /** A workspace of `execution.yaml`, or a path below one of its roots, for actions that name none. */
  workspace: z.string().min(1).max(4096).optional(),
  defaults: z
    .strictObject({
      priority: Level.optional(),
      on_failure: OnFailure.optional(),
      /** For the tasks in words. */
      acceptance_criteria: Criteria.optional(),
    })
    .optional(),
  tasks: z.array(ManifestTask).min(1),
})
export type Manifest = z.output<typeof Manifest>

/** Larger manifests are put in parts first. In bytes of JSON. */
export const MANIFEST_INLINE_BYTES_MAX = 256 * 1024
export const MANIFEST_BYTES_MAX = 32 * 1024 * 1024
/** The maximum of one part; in base64 it fits in a message. */
export const MANIFEST_PART_BYTES_MAX = 512 * 1024
const PARTS_MAX = MANIFEST_BYTES_MAX / MANIFEST_PART_BYTES_MAX

const ObjectName = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/)

/** A manifest that was put, as JSON; it is removed once it is accepted. */
export const ManifestReference = z.strictObject({
  object: ObjectName,
  /** Of all its bytes, in hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
export type ManifestReference = z.output<typeof ManifestReference>

/** Stores the parts of manifests; only the orchestrator has access. */
export const MANIFEST_BUCKET = 'MANIFESTS'

/**
 * Puts one part of a large manifest; once it is complete, `manifest_ref` of `execution.request` and `execution.submit`
 * refers to it. A part that is put again replaces the old one. Unused parts are removed after a day.
 */
export const putManifest = request({
  subject: 'manifest.put',
  owner: 'orchestrator',
  summary: 'A part of a manifest that is too large for one message.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z
    .strictObject({
      object: ObjectName,
      /** From 1. */
      part: z.int().min(1),
      parts: z.int().min(1).max(PARTS_MAX),
      /** In base64, at most 512 KiB of bytes. */
      data: z.base64().max(Math.ceil(MANIFEST_PART_BYTES_MAX / 3) * 4),
    })
    .refine(({ part, parts }) => part <= parts, { path: ['part'], message: 'part must not be greater than parts' }),
  output: z.object({ object: z.string(), part: z.int() }),
})

export type TaskTerms = Pick<ManifestTask, 'priority' | 'on_failure' | 'concurrency_key'>
