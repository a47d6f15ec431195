/** Ids by their ends, for people: those of one moment begin alike, and differ at the end. */
import { z } from 'zod'
import { request } from './contract.ts'

/** As many as are told apart at a glance. */
export const FOUND_MAX = 10

/** How many of the newest are known by their ends: this is for people, and programs have the whole id. */
export const NEWEST = 20_000
/** Of all tenants together. */
export const NEWEST_TASKS = 50_000

export const IdOwner = z.enum(['execution', 'task', 'approval', 'grant'])
export type IdOwner = z.output<typeof IdOwner>

/**
 * The ids of the tenant that end so, the newest first. More than one means that the ending is too short. Looked for among
 * the newest 20,000 executions of the tenant, as many approvals and grants, and the newest 50,000 tasks of the mesh.
 */
export const findId = request({
  subject: 'id.find',
  owner: 'orchestrator',
  summary: 'The whole ids that end with a few digits.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    ending: z.string().regex(/^[0-9a-f]{4,12}$/, 'must be the last 4 to 12 hexadecimal digits of an id'),
    /** `approval` includes what waits for a person to look at or to do. */
    of: z.array(IdOwner).min(1).max(IdOwner.options.length),
  }),
  output: z.object({ ids: z.array(z.uuid()).max(FOUND_MAX) }),
})
export type FindId = z.output<typeof findId.input>
