/** Ids: branded, so that one kind never passes for another. */
import { z } from 'zod'

/** UUIDv7; also the correlation id of everything that belongs to the execution. */
export const ExecutionId = z.uuid().brand<'ExecutionId'>()
export type ExecutionId = z.output<typeof ExecutionId>

/** UUIDv7. */
export const TaskId = z.uuid().brand<'TaskId'>()
export type TaskId = z.output<typeof TaskId>

/** UUIDv5 of the task and the action's index; the idempotency key that is passed to the action's target. */
export const ActionId = z.uuid().brand<'ActionId'>()
export type ActionId = z.output<typeof ActionId>

export const ApprovalId = z.uuid().brand<'ApprovalId'>()
export type ApprovalId = z.output<typeof ApprovalId>

/** UUIDv7. */
export const GrantId = z.uuid().brand<'GrantId'>()
export type GrantId = z.output<typeof GrantId>

/** The count of leases taken on a task; increases with each. */
export const FencingToken = z.int().min(1).brand<'FencingToken'>()
export type FencingToken = z.output<typeof FencingToken>

/** A tenant or a user, as it is written in a subject. */
export const PrincipalName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)

/** The requester: read from the subject, never from a body. */
export interface Principal {
  readonly tenant: string
  readonly user: string
}

/** The principal of the bare subject. */
export const LOCAL: Principal = { tenant: 'local', user: 'user' }
