/** What decisions lead to: money that may be spent, standards, permits, and the backlog. */
import { z } from 'zod'
import { request } from './contract.ts'
import { DecisionId, DecisionMode, DecisionType } from './decision.ts'
import { ExecutionId } from './ids.ts'
import { Dollars, Line, OrganizationRole, Prose } from './organization.ts'

/** The money of the organization, or of a department: a user in whose name executions are requested. */
export const Allocation = z.object({
  department: z.string(),
  amount: Dollars,
  /** Of `amount`: given on to departments. */
  allocated: Dollars,
})
export type Allocation = z.output<typeof Allocation>

/** The name of what is the parent of every department. */
export const ORGANIZATION = 'organization'

export const listAllocations = request({
  subject: 'organization.list-allocations',
  owner: 'organization',
  summary: 'The money of the organization and of its departments.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ total: Allocation, departments: z.array(Allocation) }),
})

export const Standard = z.object({
  name: z.string(),
  rule: z.string(),
  decision_id: DecisionId,
  since: z.iso.datetime(),
})
export type Standard = z.output<typeof Standard>

export const listStandards = request({
  subject: 'organization.list-standards',
  owner: 'organization',
  summary: 'The standards that were decided.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ standards: z.array(Standard) }),
})

export const Permit = z.object({
  environment: z.string(),
  release: z.string(),
  decision_id: DecisionId,
  valid_until: z.iso.datetime(),
})
export type Permit = z.output<typeof Permit>

/** Those that hold now; the last to end first. */
export const listPermits = request({
  subject: 'organization.list-permits',
  owner: 'organization',
  summary: 'The permits to deploy that hold now.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ permits: z.array(Permit) }),
})

/** A target that a role keeps from being acted on. */
export const Hold = z.object({
  target: z.string(),
  held_by: OrganizationRole,
  reason: z.string(),
  decision_id: DecisionId,
  until: z.iso.datetime(),
})
export type Hold = z.output<typeof Hold>

/** The longest hold. */
export const HOLD_HOURS_MAX = 24

/** Those that last now, by their targets. */
export const listHolds = request({
  subject: 'organization.list-holds',
  owner: 'organization',
  summary: 'The targets that roles keep from being acted on.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ holds: z.array(Hold) }),
})

/** How a type of decision is decided: the rule of the policy, with what a mandate changed of it. */
export const DecisionRule = z.object({
  type: DecisionType,
  /** The roles that may propose it. */
  by: z.array(OrganizationRole),
  mode: DecisionMode,
  /** Without the proposer, who has no vote. */
  voters: z.array(OrganizationRole),
  /** Votes that must be there; 0 where nobody votes. */
  quorum: z.int(),
  superior: OrganizationRole.nullable(),
  /** Above it a person decides; null: there is no such limit. */
  amount_max_usd: Dollars.nullable(),
  /** Facts that must be true. */
  require: z.array(z.string()),
  /** A decision of this type and the same name must be approved. */
  needs: DecisionType.nullable(),
  /** Where a person decides. */
  person_environments: z.array(z.string()),
  /** The mandate that changed the rule; null: it is as the policy has it. */
  changed_by: DecisionId.nullable(),
  changed_at: z.iso.datetime().nullable(),
})
export type DecisionRule = z.output<typeof DecisionRule>

export const listMandates = request({
  subject: 'organization.list-mandates',
  owner: 'organization',
  summary: 'What each role may decide, and how: the policy and what changed it.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ authority_version: z.string(), rules: z.array(DecisionRule) }),
})

export const BacklogId = z.uuid().brand<'BacklogId'>()
export type BacklogId = z.output<typeof BacklogId>

/** proposed, then in_work once an execution is linked, then done: by evidence alone. */
export const BacklogStatus = z.enum(['proposed', 'in_work', 'done', 'dropped'])

/** An acceptance criterion. `checkable`: an execution can show that it holds. */
export const Criterion = z.strictObject({ text: Line, checkable: z.boolean().default(true) })

export const BacklogItem = z.object({
  backlog_id: BacklogId,
  kind: z.enum(['feature', 'debt', 'finding']),
  name: z.string(),
  text: z.string(),
  proposed_by: OrganizationRole,
  status: BacklogStatus,
  /** 1 is first. */
  rank: z.int(),
  /** With the execution that is to show it, where one is linked. */
  criteria: z.array(z.object({ text: z.string(), checkable: z.boolean(), execution_id: ExecutionId.nullable() })),
  evidence: z.array(z.string()),
  at: z.iso.datetime(),
})
export type BacklogItem = z.output<typeof BacklogItem>

export const addBacklogItem = request({
  subject: 'organization.add-backlog-item',
  owner: 'organization',
  summary: 'Propose an item of the backlog; a name is in it once.',
  timeoutMs: 5_000,
  idempotent: false,
  input: z.strictObject({
    kind: BacklogItem.shape.kind,
    name: Line,
    text: Prose,
    criteria: z.array(Criterion).max(50).default([]),
    evidence: z.array(z.string().min(1).max(256)).max(50).default([]),
  }),
  output: BacklogItem,
})

export const listBacklog = request({
  subject: 'organization.list-backlog',
  owner: 'organization',
  summary: 'The backlog, in its order.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    backlog_id: BacklogId.optional(),
    status: BacklogStatus.optional(),
    kind: BacklogItem.shape.kind.optional(),
    limit: z.int().min(1).max(200).default(50),
  }),
  output: z.object({ items: z.array(BacklogItem) }),
})

/** Says which execution is to show that a criterion holds. */
export const linkCriterion = request({
  subject: 'organization.link-criterion',
  owner: 'organization',
  summary: 'Link an execution to an acceptance criterion.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ backlog_id: BacklogId, criterion: z.int().min(0).max(49), execution_id: ExecutionId }),
  output: BacklogItem,
})

/** Reads each linked execution: the item is done where all are verified, and each criterion has one of its own. */
export const acceptFeature = request({
  subject: 'organization.accept-feature',
  owner: 'organization',
  summary: 'Count an item as done, if its criteria are verified.',
  timeoutMs: 15_000,
  idempotent: true,
  input: z.strictObject({ backlog_id: BacklogId }),
  output: z.object({ accepted: z.boolean(), unmet: z.array(z.string()), item: BacklogItem }),
})
