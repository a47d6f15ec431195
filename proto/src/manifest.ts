/** Manifests: a graph of tasks that a user writes, each in plain words or as an action given outright. */
import { z } from 'zod'
import { Action } from './action.ts'
import { NodeName } from './task.ts'

/** What a manifest is known by, from one version of it to the next. */
export const ManifestName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)

const Level = z.enum(['low', 'normal', 'high'])
/** undo: what was done before is undone. ask: the others go on, and a person is asked. */
const OnFailure = z.enum(['undo', 'ask'])
const Criteria = z.array(z.string().min(1).max(4096)).max(100)

/** What must be found beforehand, and how it is confined, is for the policy to say. */
const GivenAction = z.strictObject(
  Action.omit({ expect_before: true, expect_sandbox: true, observe_only: true, untrusted_sources: true }).shape,
)

export const ManifestTask = z
  .strictObject({
    id: NodeName,
    task: z.string().min(1).max(65_536).optional(),
    action: GivenAction.optional(),
    depends_on: z.array(NodeName).default([]),
    priority: Level.optional(),
    on_failure: OnFailure.optional(),
    /** Of the tasks of a tenant that name the same key, one runs at a time. */
    concurrency_key: z.string().min(1).max(128).optional(),
    /** Of a task in words; what proves an action is its `verify`. */
    acceptance_criteria: Criteria.optional(),
  })
  .refine(({ task, action }) => (task === undefined) !== (action === undefined), {
    message: 'give either a task, in plain words, or an action',
  })
export type ManifestTask = z.output<typeof ManifestTask>

/** The graph itself (ids, dependencies, cycles, limits) is checked by `checkGraph`. */
export const Manifest = z.strictObject({
  name: ManifestName,
  /** A workspace of `execution.yaml`, or a path below one of its roots, for actions that name none. */
  workspace: z.string().min(1).max(4096).optional(),
  defaults: z
    .strictObject({
      priority: Level.optional(),
      on_failure: OnFailure.optional(),
      /** Of the tasks in words. */
      acceptance_criteria: Criteria.optional(),
    })
    .optional(),
  tasks: z.array(ManifestTask).min(1),
})
export type Manifest = z.output<typeof Manifest>

/** Larger ones travel through the object store. In bytes of JSON. */
export const MANIFEST_INLINE_BYTES_MAX = 256 * 1024
export const MANIFEST_BYTES_MAX = 32 * 1024 * 1024

/** A manifest in the tenant's object store, as JSON; taken from there once it is accepted. */
export const ManifestReference = z.strictObject({
  object: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  /** Of the object's bytes, in hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
export type ManifestReference = z.output<typeof ManifestReference>

/** One bucket a tenant, so that permissions and not a check keep tenants apart. */
export const manifestBucket = (tenant: string): string => `MANIFESTS_${tenant}`
