/**
 * Kinds of action that a program on the mesh provides, in addition to those of the executor.
 *
 * The provider of the kind `lamp.switch` answers `action.lamp-switch.observe`, `.execute` and `.compensate`: the kind's
 * name is one token of the subject, with `-` for each dot. It stores nothing for the executor, which stores what
 * `observe` found before the effect and passes it to every later call.
 *
 * A request may outlive its sender: when an executor dies, another one sends the same request as soon as the lease has
 * expired, while the first may still be in progress. So a provider lets a second request for an `action_id` join the
 * first, or wait for it, and answers `observe` meanwhile; if it does not answer, the request is retried with backoff.
 */
import { z } from 'zod'
import { ActionKind, ActionResult, EffectClass, Reversibility } from './action.ts'
import { type RequestContract, request } from './contract.ts'
import { ActionId } from './ids.ts'
import { JsonObject } from './json.ts'

const ActionFields = z.object({
  kind: ActionKind,
  /** An unknown version is refused with `unknown_kind_version`, which passes when the newer provider is up. */
  kind_version: z.int().min(1),
  /** The same in every attempt; all zeros for a mere inspection. */
  action_id: ActionId,
  input: JsonObject,
})

/** `known` from `observe` before the effect, and `after` from `execute`. */
const Stored = z.object({ known: JsonObject.optional(), after: JsonObject.optional() })

/**
 * Observes the target, and changes nothing. It validates the input: an impossible one is refused with a code and a
 * sentence. The observation must not rely on the reply of the program that does the work.
 */
export const observeProvided = request({
  subject: 'action.*.observe',
  owner: 'provider',
  summary: 'The current state for an action of a provided kind, and whether its postcondition holds.',
  timeoutMs: 10_000,
  idempotent: true,
  input: ActionFields.extend({
    /** Absent at the first observation. */
    stored: Stored.optional(),
  }),
  output: z.object({
    effect: EffectClass,
    reversibility: Reversibility,
    /** Whether running it twice has the same effect as running it once. */
    idempotent: z.boolean(),
    /** What it would do, in a sentence. */
    summary: z.string().max(4096),
    environment: z.string().max(64).optional(),
    /** The provider with its version; an approval is bound to it. */
    provider: z.string().min(1).max(256),
    /** The current state, in a few characters; an approval is bound to it. */
    state: z.string().max(256),
    /** What the compensation needs to know about the current state. */
    known: JsonObject.optional(),
    /** Whether the postcondition holds. */
    outcome: z.enum(['verified', 'failed', 'unverified']),
    /** The target's state, compared with `stored`; elsewhere: something else has changed it. */
    at: z.enum(['before', 'after', 'elsewhere', 'unknown']),
    /** What was observed, in a sentence. */
    observed: z.string().max(4096),
    facts: JsonObject.optional(),
  }),
})
export type ObservedProvided = z.output<typeof observeProvided.output>

/** `action_id` is the idempotency key. An error whose details have `nothing_done: true` says that nothing was changed. */
export const executeProvided = request({
  subject: 'action.*.execute',
  owner: 'provider',
  summary: 'Establish the postcondition of an action of a provided kind.',
  timeoutMs: 60_000,
  idempotent: false,
  input: ActionFields.extend({ stored: Stored }),
  output: z.object({
    /** What was done, in a sentence. It proves nothing. */
    claimed: z.string().max(4096),
    result: ActionResult,
    /** What an undo needs to know about the resulting state. */
    after: JsonObject.optional(),
  }),
})

export const compensateProvided = request({
  subject: 'action.*.compensate',
  owner: 'provider',
  summary:
    'Restore the state before an action of a provided kind. Running it twice has the same effect as running it once.',
  timeoutMs: 60_000,
  idempotent: true,
  input: ActionFields.extend({ stored: Stored }),
  output: z.object({ claimed: z.string().max(4096) }),
})

/** The contract for one kind. */
export function provided<C extends RequestContract>(contract: C, kind: string): C {
  return { ...contract, subject: contract.subject.replace('*', kind.replaceAll('.', '-')) }
}
