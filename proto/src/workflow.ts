/** Workflows: manifests with parameters, kept as files, in which roles decide, executors act, and people answer. */
import { z } from 'zod'
import { request } from './contract.ts'
import { Json } from './json.ts'

/** The name of its file, without the ending. */
export const WorkflowName = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/)
export const ParameterName = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/)

/** Runs a workflow: its parameters become a manifest. */
export const WorkflowRequest = z.strictObject({
  name: WorkflowName,
  set: z.record(ParameterName, Json).default({}),
})
export type WorkflowRequest = z.output<typeof WorkflowRequest>

export const WorkflowView = z.object({
  name: WorkflowName,
  about: z.string(),
  /** Where it is, as the orchestrator sees it. */
  file: z.string(),
  parameters: z.array(
    z.object({
      name: ParameterName,
      about: z.string(),
      required: z.boolean(),
      /** Absent: there is none. */
      default: Json.optional(),
    }),
  ),
  /** By the kind of its action, or in words. */
  tasks: z.array(z.object({ id: z.string(), does: z.string(), depends_on: z.array(z.string()) })),
  /** What is wrong with its file, each with its line. A workflow with any does not run. */
  faults: z.array(z.string()),
})
export type WorkflowView = z.output<typeof WorkflowView>

/** Read from the files each time, so that a change counts at once. */
export const listWorkflows = request({
  subject: 'workflow.list',
  owner: 'orchestrator',
  summary: 'The workflows with their parameters and tasks, and what is wrong with their files.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: WorkflowName.optional() }),
  output: z.object({ workflows: z.array(WorkflowView) }),
})
