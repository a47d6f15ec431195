/**
 * Kinds of action that a program on the mesh provides, beside those of the executor.
 *
 * Whoever provides the kind `lamp.switch` answers `action.lamp-switch.observe`, `.execute` and `.compensate`: the kind's
 * name is one token of the subject, with `-` for each dot. It keeps nothing for the executor, which stores what `observe`
 * has met before the effect and hands it back to every later call.
 *
 * A request may outlive whoever asked: when an executor dies, another asks the same as soon as the lease is over, while
 * the first request may still be worked on. So a provider lets a second request for an `action_id` join the first, or
 * wait for it, and answers `observe` meanwhile; one that cannot answer is asked again, later each time.
 */
import { z } from 'zod'
import { ActionKind, ActionResult, EffectClass, Reversibility } from './action.ts'
import { type RequestContract, request } from './contract.ts'
import { ActionId } from './ids.ts'
import { JsonObject } from './json.ts'

const Asked = z.object({
  kind: ActionKind,
  /** One that the provider does not know is refused with `unknown_kind_version`, which passes when the newer one is up. */
  kind_version: z.int().min(1),
  /** The same in every attempt; all zeros where only is looked. */
  action_id: ActionId,
  input: JsonObject,
})

/** What `observe` gave as `known` before the effect, and `execute` as `after`. */
const Stored = z.object({ known: JsonObject.optional(), after: JsonObject.optional() })

/**
 * Looks at the target, and changes nothing. It judges the input: what cannot be is refused with a code and a sentence.
 * The look must be by other means than the reply of whatever does the work.
 */
export const observeProvided = request({
  subject: 'action.*.observe',
  owner: 'provider',
  summary: 'What an action of a provided kind meets, and whether its postcondition holds.',
  timeoutMs: 10_000,
  idempotent: true,
  input: Asked.extend({
    /** Absent at the first look. */
    stored: Stored.optional(),
  }),
  output: z.object({
    effect: EffectClass,
    reversibility: Reversibility,
    /** Whether running it a second time leaves what running it once leaves. */
    idempotent: z.boolean(),
    /** What it would do, in a sentence. */
    summary: z.string().max(4096),
    environment: z.string().max(64).optional(),
    /** Who would do it, with its version; an approval is bound to it. */
    provider: z.string().min(1).max(256),
    /** The state met, in a few characters; an approval is bound to it. */
    state: z.string().max(256),
    /** What the compensation needs to know of the state met. */
    known: JsonObject.optional(),
    /** Whether the postcondition holds. */
    outcome: z.enum(['verified', 'failed', 'unverified']),
    /** Where the target stands, compared with `stored`; elsewhere: somebody else has changed it. */
    at: z.enum(['before', 'after', 'elsewhere', 'unknown']),
    /** What was seen, in a sentence. */
    observed: z.string().max(4096),
    facts: JsonObject.optional(),
  }),
})
export type ObservedProvided = z.output<typeof observeProvided.output>

/** `action_id` is the idempotency key. An error whose details have `nothing_done: true` says that nothing was changed. */
export const executeProvided = request({
  subject: 'action.*.execute',
  owner: 'provider',
  summary: 'Bring the postcondition of an action of a provided kind about.',
  timeoutMs: 60_000,
  idempotent: false,
  input: Asked.extend({ stored: Stored }),
  output: z.object({
    /** What was done, in a sentence. It proves nothing. */
    claimed: z.string().max(4096),
    result: ActionResult,
    /** What an undo needs to know of the state left. */
    after: JsonObject.optional(),
  }),
})

export const compensateProvided = request({
  subject: 'action.*.compensate',
  owner: 'provider',
  summary: 'Bring the state before an action of a provided kind back. Running it twice does no more than once.',
  timeoutMs: 60_000,
  idempotent: true,
  input: Asked.extend({ stored: Stored }),
  output: z.object({ claimed: z.string().max(4096) }),
})

/** The contract for one kind. */
export function provided<C extends RequestContract>(contract: C, kind: string): C {
  return { ...contract, subject: contract.subject.replace('*', kind.replaceAll('.', '-')) }
}
