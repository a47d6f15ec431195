/**
 * A contract: a subject, its owner, and the schemas of its messages.
 *
 * Every request has two forms: `<subject>`, for the principal `local.user`, and `<subject>.<tenant>.<user>`, where NATS
 * permissions decide who may publish. Bodies and headers never carry identity.
 */
import type { z } from 'zod'

/** Each has its own NATS user and database role. A mesh works without the last two. */
export const SERVICES = [
  'orchestrator',
  'template-optimizer',
  'task-decomposer',
  'hybrid-agent',
  'executor',
  'semantic-cache',
  'console',
  'organization',
] as const
export type ServiceName = (typeof SERVICES)[number]

/** Who answers: a service, or the provider of a kind of action. */
export type Owner = ServiceName | 'provider'

/** A message that expects an answer. */
export interface RequestContract<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly type: 'request'
  readonly subject: string
  readonly owner: Owner
  readonly summary: string
  /** The default deadline of a caller, in milliseconds. */
  readonly timeoutMs: number
  /** A repeat changes nothing, so a caller may retry within its deadline. */
  readonly idempotent: boolean
  /** Also answered as `<subject>.<instance>` by the instance with that id, which INFO of the micro protocol reports. */
  readonly each?: true
  /** One replica takes all of it while it has room: any other one passes it on, so that batches stay whole. */
  readonly gathered?: true
  /** It may begin an execution, so it begins a trace; others are traced if their caller is. */
  readonly begins?: true
  readonly input: Input
  readonly output: Output
}

/** A message about something that has happened. */
export interface EventContract<Payload extends z.ZodType = z.ZodType> {
  readonly type: 'event'
  readonly subject: string
  readonly owner: ServiceName
  readonly summary: string
  /** The JetStream stream that keeps it. Absent: it is reported live alone. */
  readonly stream?: string
  readonly payload: Payload
}

/** A message that waits in a JetStream work queue until one consumer has processed it. */
export interface WorkContract<Payload extends z.ZodType = z.ZodType> {
  readonly type: 'work'
  readonly subject: string
  readonly owner: ServiceName
  readonly summary: string
  readonly stream: string
  /** The durable consumer, named after the service that consumes. */
  readonly consumer: ServiceName
  /** One replica of the consumer takes all of it while it has room, so that batches stay whole. */
  readonly gathered?: true
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
