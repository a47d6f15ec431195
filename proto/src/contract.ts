/**
 * What a contract is: a subject, its owner, and the schemas of what travels on it.
 *
 * Every request exists twice: as `<subject>`, for the principal `local.user`, and as
 * `<subject>.<tenant>.<user>`, where the permissions of NATS decide who may publish. Bodies and
 * headers never carry identity.
 */
import type { z } from 'zod'

/** Each has a NATS user and a database role of its own. */
export const SERVICES = [
  'orchestrator',
  'template-optimizer',
  'task-decomposer',
  'hybrid-agent',
  'executor',
  'semantic-cache',
] as const
export type ServiceName = (typeof SERVICES)[number]

/** Who answers: a service, or whoever provides a kind of action. */
export type Owner = ServiceName | 'provider'

/** Wants an answer. */
export interface RequestContract<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly type: 'request'
  readonly subject: string
  readonly owner: Owner
  readonly summary: string
  /** How long a caller waits who names no deadline, in milliseconds. */
  readonly timeoutMs: number
  /** A repeat changes nothing, so a caller may repeat it while its deadline lasts. */
  readonly idempotent: boolean
  /** Also answered as `<subject>.<instance>` by the one instance of that id, as INFO of the micro protocol tells it. */
  readonly each?: true
  readonly input: Input
  readonly output: Output
}

/** Has happened. */
export interface EventContract<Payload extends z.ZodType = z.ZodType> {
  readonly type: 'event'
  readonly subject: string
  readonly owner: ServiceName
  readonly summary: string
  readonly payload: Payload
}

/** Waits in a JetStream work queue until one consumer has done it. */
export interface WorkContract<Payload extends z.ZodType = z.ZodType> {
  readonly type: 'work'
  readonly subject: string
  readonly owner: ServiceName
  readonly summary: string
  readonly stream: string
  /** The durable consumer, named after the service that takes the work. */
  readonly consumer: ServiceName
  readonly payload: Payload
}

export type Contract = RequestContract | EventContract | WorkContract

export function request<Input extends z.ZodType, Output extends z.ZodType>(
  contract: Omit<RequestContract<Input, Output>, 'type'>,
): RequestContract<Input, Output> {
  return { type: 'request', ...contract }
}

export function event<Payload extends z.ZodType>(
  contract: Omit<EventContract<Payload>, 'type'>,
): EventContract<Payload> {
  return { type: 'event', ...contract }
}

export function work<Payload extends z.ZodType>(contract: Omit<WorkContract<Payload>, 'type'>): WorkContract<Payload> {
  return { type: 'work', ...contract }
}
