/** Decisions of the organization: proposed by a role, decided by rule, by vote or by a person, and read where they count. */
import { z } from 'zod'
import { event, request } from './contract.ts'
import { ExecutionId } from './ids.ts'
import { JsonObject } from './json.ts'
import { Dollars, Fact, Line, ORG_STREAM, OrganizationRole, Prose } from './organization.ts'

/** UUIDv7. */
export const DecisionId = z.uuid().brand<'DecisionId'>()
export type DecisionId = z.output<typeof DecisionId>

/**
 * What may be decided. Each is read somewhere, or it would be words alone: `strategic_initiative` and `allocation` become
 * allocations, which models are paid from; `deployment` and `release` are asked for before a release is deployed; `standard`
 * is read by reviews; `technology` and `architecture` become standards too; `priority` orders the backlog and the executions
 * that wait for its items; `mandate` changes what a role may decide; `hold` keeps a target from being acted on.
 */
export const DECISION_TYPES = [
  'strategic_initiative',
  'allocation',
  'technology',
  'architecture',
  'standard',
  'release',
  'deployment',
  'priority',
  'mandate',
  'hold',
] as const
export const DecisionType = z.enum(DECISION_TYPES)
export type DecisionType = z.output<typeof DecisionType>

/**
 * autonomous: the rule alone. collaborative: the roles that it names vote. hierarchical: one role above decides. human: a
 * person. A caller may ask for a stricter one than the rule's, never for a laxer one.
 */
export const DECISION_MODES = ['autonomous', 'collaborative', 'hierarchical', 'human'] as const
export const DecisionMode = z.enum(DECISION_MODES)
export type DecisionMode = z.output<typeof DecisionMode>

/** escalated: a person is asked. */
export const DecisionStatus = z.enum(['pending', 'approved', 'rejected', 'escalated'])
export type DecisionStatus = z.output<typeof DecisionStatus>

export const Choice = z.enum(['approve', 'reject', 'abstain'])
export type Choice = z.output<typeof Choice>

/** What a decision is about. `amount` of what costs money; `name` is unique where the decision makes something of that name. */
export const DecisionSubject = z.strictObject({
  name: z.string().min(1).max(128),
  amount: Dollars.optional(),
  /** Who gets the money: the user in whose name executions are requested. */
  department: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)
    .optional(),
  environments: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/))
    .max(16)
    .optional(),
  text: Prose.optional(),
  details: JsonObject.optional(),
})
export type DecisionSubject = z.output<typeof DecisionSubject>

export const Vote = z.object({
  role: OrganizationRole,
  vote: Choice,
  confidence: z.number(),
  rationale: z.string(),
  evidence: z.array(z.string()),
  at: z.iso.datetime(),
})
export type Vote = z.output<typeof Vote>

export const Decision = z.object({
  decision_id: DecisionId,
  type: DecisionType,
  mode: DecisionMode,
  status: DecisionStatus,
  proposed_by: OrganizationRole,
  subject: DecisionSubject,
  rationale: z.string(),
  facts: z.array(Fact),
  /** The rule that was applied, and the version of the policy that it is in. */
  rule: z.string(),
  authority_version: z.string(),
  voters: z.array(OrganizationRole),
  quorum: z.int(),
  /** Until when votes count; null where nobody votes. */
  due_at: z.iso.datetime().nullable(),
  votes: z.array(Vote),
  /** Confidence of those for it less that of those against it, as a fraction of both: -1 to 1. Null without a vote that counts. */
  consensus_score: z.number().nullable(),
  /** Of the question to a person; null where none is asked. */
  execution_id: ExecutionId.nullable(),
  proposed_at: z.iso.datetime(),
  decided_at: z.iso.datetime().nullable(),
  /** A role, `votes`, `rule`, or the name of a person. */
  decided_by: z.string().nullable(),
  why: z.string().nullable(),
  /** What the proposer calls it. */
  key: z.string().nullable().default(null),
})
export type Decision = z.output<typeof Decision>

/**
 * The reply has the verdict where the rule alone decides; else `pending`, and those who must decide are asked. The same key of the
 * same role is the same decision. What a role may not decide is refused, as is a type that the policy does not know.
 */
export const proposeDecision = request({
  subject: 'organization.propose-decision',
  owner: 'organization',
  summary: 'Propose a decision, as the role that asks.',
  timeoutMs: 10_000,
  idempotent: false,
  input: z.strictObject({
    type: DecisionType,
    subject: DecisionSubject,
    rationale: Prose,
    facts: z.array(Fact).max(64).default([]),
    mode: DecisionMode.optional(),
    key: z.string().min(1).max(128).optional(),
  }),
  output: Decision,
})

/**
 * Once per role and decision, before its deadline, by a role that it names. The same vote again changes nothing; another one is
 * refused. The rationale must be about something: `evidence` names a fact of the decision, an execution or a decision.
 */
export const castVote = request({
  subject: 'organization.cast-vote',
  owner: 'organization',
  summary: 'Vote on a decision, as the role that asks.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({
    decision_id: DecisionId,
    vote: Choice,
    confidence: z.number().min(0).max(1),
    rationale: Prose,
    evidence: z.array(z.string().min(1).max(128)).min(1).max(16),
  }),
  output: Decision,
})

/** Asks a person instead; once. */
export const escalateDecision = request({
  subject: 'organization.escalate-decision',
  owner: 'organization',
  summary: 'Have a person decide what is still open.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({ decision_id: DecisionId, reason: Line }),
  output: Decision,
})

export const getDecision = request({
  subject: 'organization.get-decision',
  owner: 'organization',
  summary: 'A decision with its facts and votes.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ decision_id: DecisionId }),
  output: Decision,
})

export const listDecisions = request({
  subject: 'organization.list-decisions',
  owner: 'organization',
  summary: 'Decisions, newest first.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    status: DecisionStatus.optional(),
    /** Not decided yet: by votes, by a role above, or by a person. */
    open: z.boolean().default(false),
    type: DecisionType.optional(),
    /** Open, and this role has not voted yet. */
    vote_due: OrganizationRole.optional(),
    name: z.string().max(128).optional(),
    limit: z.int().min(1).max(100).default(20),
    /** Decisions after this one. */
    cursor: DecisionId.optional(),
  }),
  output: z.object({ decisions: z.array(Decision), next_cursor: DecisionId.nullable() }),
})

/**
 * `decisions.<tenant>.<what>`, after the commit, at least once live and once in the stream; `organization.get-decision` has
 * all of it.
 */
export const DECISION_EVENTS = ['new', 'vote_required', 'completed', 'escalated'] as const
export const decisionEvent = event({
  subject: 'decisions.*.*',
  owner: 'organization',
  summary: 'A decision was proposed, needs votes, is decided, or is put to a person.',
  stream: ORG_STREAM,
  payload: z.object({
    decision_id: DecisionId,
    type: DecisionType,
    status: DecisionStatus,
    at: z.iso.datetime(),
    key: z.string().nullable().default(null),
  }),
})
