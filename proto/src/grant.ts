/** Grants: approving actions of one kind in advance, within bounds, until a time. */
import { z } from 'zod'
import { ActionKind, Facts } from './action.ts'
import { request } from './contract.ts'
import { GrantId, PrincipalName } from './ids.ts'
import { JsonObject } from './json.ts'

const REASON_CHARS_MAX = 4_096

const Scope = {
  kind: ActionKind,
  /** The target that the action names. */
  target: z.string().min(1).max(256),
  /** The base of `path`, as in an action; null: the default workspace. */
  workspace: z.string().min(1).max(4_096),
  /** A file or a folder: every path that the action names must be at or below it. */
  path: z.string().min(1).max(4_096),
  /** Arguments that the action must have exactly. */
  input: JsonObject,
  /** The user whose requests it covers; null: every user of the tenant. */
  user: PrincipalName,
  /** The highest level that it approves. Level 3 is approved step by step, by people. */
  level: z.int().min(1).max(2),
  expires_at: z.iso.datetime({ offset: true }),
  reason: z.string().max(REASON_CHARS_MAX),
}

export const Grant = z.object({
  grant_id: GrantId,
  kind: Scope.kind,
  target: Scope.target.nullable(),
  workspace: Scope.workspace.nullable(),
  path: Scope.path.nullable(),
  input: Scope.input.nullable(),
  user: Scope.user.nullable(),
  level: Scope.level,
  expires_at: Scope.expires_at,
  reason: Scope.reason.nullable(),
  /** What its target and its workspace meant when it was given; it covers nothing else. */
  means: Facts.default({}),
  granted_by: z.string(),
  created_at: z.iso.datetime(),
  revoked_by: z.string().nullable(),
  revoked_at: z.iso.datetime().nullable(),
  /** The number of approvals that it has given. */
  uses: z.int(),
})
export type Grant = z.output<typeof Grant>

/**
 * Approves in advance. It names a kind, and at least one of target, path and arguments; it expires. What it approves is
 * recorded like any approval, with its id.
 */
export const putGrant = request({
  subject: 'grant.put',
  owner: 'orchestrator',
  summary: 'Approve actions of one kind in advance, within bounds.',
  timeoutMs: 5_000,
  idempotent: false,
  input: z.strictObject({
    kind: Scope.kind,
    target: Scope.target.optional(),
    workspace: Scope.workspace.optional(),
    path: Scope.path.optional(),
    input: Scope.input.optional(),
    user: Scope.user.optional(),
    level: Scope.level.default(1),
    expires_at: Scope.expires_at,
    reason: Scope.reason.optional(),
  }),
  output: Grant,
})

export const listGrants = request({
  subject: 'grant.list',
  owner: 'orchestrator',
  summary: 'Grants, newest first.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    /** Include grants that are no longer valid. */
    all: z.boolean().default(false),
    limit: z.int().min(1).max(500).default(100),
  }),
  output: z.object({ grants: z.array(Grant) }),
})

/** Revokes a grant at once: actions that have not begun need another approval. A repeat changes nothing. */
export const deleteGrant = request({
  subject: 'grant.delete',
  owner: 'orchestrator',
  summary: 'Revoke a grant.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ grant_id: GrantId }),
  output: Grant,
})
