/** The console: how people are let in, and what its page and its server say to each other. */
import { z } from 'zod'
import type { Alert } from './alert.ts'
import { request } from './contract.ts'
import type { ErrorBody } from './errors.ts'
import type { executionEvent, watchExecution } from './execution.ts'
import { PrincipalName } from './ids.ts'
import { CONSOLE_ROLES, type ConsoleRole } from './permissions.ts'

/**
 * Why the console refuses: the name by which it was addressed, the page that asks, a session that is missing or forged, a
 * token of the session that is missing, a verb that is not of the role, a token to sign in that is unknown or was used,
 * too many of them, a passkey that confirms something else or nothing, a body that cannot be read, a live connection that
 * asks for too much or reads too slowly, or a decision on an approval that the tenant has not got, or that was decided already.
 */
export const CONSOLE_REFUSALS = [
  'host',
  'origin',
  'session',
  'csrf',
  'role',
  'sign_in',
  'replay',
  'rate',
  'passkey',
  'body',
  'live_limit',
  'live_slow',
  'approval',
] as const
export type ConsoleRefusal = (typeof CONSOLE_REFUSALS)[number]

/** For the operator alone: no role of a caller and none of the console has it. */
export const linkConsole = request({
  subject: 'console.link',
  owner: 'console',
  summary: 'A link that signs a person in to the console, once.',
  timeoutMs: 5_000,
  idempotent: false,
  input: z.strictObject({
    tenant: PrincipalName.default('local'),
    /** A requester must not approve their own from level 2 on, so the default is the user that approves. */
    user: PrincipalName.default('approver'),
    role: z.enum(CONSOLE_ROLES).default('admin'),
  }),
  output: z.object({
    /** The token is in its fragment, which no browser sends to a server. */
    url: z.url(),
    tenant: z.string(),
    user: z.string(),
    role: z.enum(CONSOLE_ROLES),
    expires_at: z.iso.datetime(),
  }),
})

/** Ends every session and voids every link, by a new key. */
export const signOutOfConsole = request({
  subject: 'console.sign-out',
  owner: 'console',
  summary: 'Sign everybody out of the console.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ signed_out_at: z.iso.datetime() }),
})

/** Where a provider of OpenID Connect sends people back to: the path of the redirect URL. */
export const SIGN_IN_PATH = '/sign-in'

/** `GET /api/sign-in`, for whom nobody knows yet. */
export interface SignInWays {
  /** The host of the provider of OpenID Connect; null without one. */
  readonly provider: string | null
}

/** `GET /api/passkeys` has those of the person who is signed in. */
export interface Passkey {
  readonly id: string
  /** The person's own word for it. */
  readonly name: string
  readonly created_at: string
  readonly used_at: string | null
}

/** `GET /api/session`: who is signed in, and what they may do. */
export interface ConsoleSession {
  readonly tenant: string
  readonly user: string
  readonly role: ConsoleRole
  /** Subjects of requests, for `POST /api/call/<subject>`. */
  readonly verbs: readonly string[]
  /** The header `x-deed-csrf` of each request that is not GET. */
  readonly csrf: string
  readonly version: string
  readonly jaeger_url: string | null
  /** How a decision from level 2 on may be confirmed. */
  readonly factors: readonly string[]
}

/** A line that a service has written. */
export interface ShownLogLine {
  readonly service: string
  /** In milliseconds since 1970; null: a line that is not of the logger, such as the last words of a process that crashed. */
  readonly at: number | null
  readonly level: string | null
  readonly message: string
  /** What else it says: names and values. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  /** The places in the code that an error went through. */
  readonly more: string | null
}

/** `GET /api/logs`: the newest lines, in the order of their times. */
export interface LogsFound {
  /** Whether the logs are files of the machine of the console. */
  readonly here: boolean
  /** Those that have a log. */
  readonly services: readonly string[]
  readonly lines: readonly ShownLogLine[]
}

/** What a page is told: `inbox` is what its badge counts, for one that nobody sees; `executions` is all but events of tasks. */
export const HEARD = ['inbox', 'executions', 'everything'] as const
export type Heard = (typeof HEARD)[number]

type Event = z.output<typeof executionEvent.payload>
type Watched = z.output<typeof watchExecution.output>

/** Where very much happens, an event has no more than what is required here. */
export type LiveEvent = Pick<Event, 'execution_id' | 'type' | 'status' | 'at'> & Partial<Event>

/** From the server, over `GET /api/live`. */
export type LiveMessage =
  | { readonly type: 'hello'; readonly at: string; readonly tenant: string; readonly user: string }
  | { readonly type: 'beat'; readonly at: string }
  /**
   * In order, of the kind that the page hears. The first one after a pause is sent at once, those that follow it within 50 ms
   * together. Of more than 20, the last of each execution and task, and at least one of each type, without `data`, and then
   * after 200 ms; of more than 100, these in brief, and then after a second.
   */
  | { readonly type: 'events'; readonly events: readonly LiveEvent[] }
  | { readonly type: 'alert'; readonly alert: Alert }
  /** Something happened in the organization, at most ten times in a second: what shows it reads it again. */
  | { readonly type: 'organization' }
  | {
      readonly type: 'rows'
      readonly execution_id: string
      /** In order, each exactly once. */
      readonly rows: Watched['events']
      /** For `after`, once the connection was lost. */
      readonly last_seq: number
      /** Absent if it is the same as the last one but for what the rows say. */
      readonly execution?: Watched['executions'][number]
    }
  | { readonly type: 'unwatched'; readonly execution_id: string; readonly error: ErrorBody }
  /** Whether NATS is connected; after `true`, events may be missing, rows are not. */
  | { readonly type: 'mesh'; readonly connected: boolean; readonly since: string }
  /** Events that were left out, since the page read too slowly, or did not hear them before it asked for more. */
  | { readonly type: 'dropped'; readonly count: number }
