/**
 * The organization: nine roles that decide, write to each other and remember. A role has no model inside: it is a name under
 * which a program acts, with rules for what it may decide. Who speaks is the user of the subject, never a field.
 */
import { z } from 'zod'
import { request } from './contract.ts'

export const ORGANIZATION_ROLES = [
  'ceo',
  'cto',
  'chro',
  'operations_head',
  'product_manager',
  'senior_architect',
  'uiux_engineer',
  'senior_developer',
  'test_lead',
] as const
export const OrganizationRole = z.enum(ORGANIZATION_ROLES)
export type OrganizationRole = z.output<typeof OrganizationRole>

/** The stream that keeps its messages and decisions for 30 days. */
export const ORG_STREAM = 'ORG'

/** Whom a message to `leadership` reaches. */
export const LEADERSHIP = ['ceo', 'cto', 'chro', 'operations_head'] as const satisfies OrganizationRole[]

export const Line = z.string().min(1).max(512)
export const Prose = z.string().min(1).max(8_192)
export const Tags = z.array(z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,63}$/)).max(16)

/** A number or a word with where it comes from; `value` is null where it cannot be had, and `source` then says why. */
export const Fact = z.strictObject({
  name: z.string().min(1).max(64),
  value: z.union([z.number(), z.string().max(512), z.boolean(), z.null()]),
  /** The request or table, and its window, as in `execution.stats since 2026-11-01T00:00:00Z`. */
  source: z.string().min(1).max(256),
  as_of: z.iso.datetime(),
})
export type Fact = z.output<typeof Fact>

/** Dollars with whole cents. */
export const Dollars = z.number().min(0).max(1_000_000_000).multipleOf(0.01)

/** What a role did last, and what waits for it. */
export const RoleStatus = z.object({
  role: OrganizationRole,
  /** Null: it never spoke. */
  last_seen: z.iso.datetime().nullable(),
  unread_messages: z.int(),
  votes_due: z.int(),
  proposed: z.int(),
  votes_cast: z.int(),
  /** Of the votes cast: those against what was proposed. */
  votes_against: z.int(),
})
export type RoleStatus = z.output<typeof RoleStatus>

/** Counted since the organization began. A role that changed nothing is there too. */
export const listRoles = request({
  subject: 'organization.list-roles',
  owner: 'organization',
  summary: 'The roles of the organization, when each spoke last, and what waits for it.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ roles: z.array(RoleStatus) }),
})
