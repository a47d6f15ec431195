/**
 * Observations and evidence.
 *
 * An observation describes a postcondition; evidence is the result of checking one. Only the outcome `verified` counts
 * as done.
 */
import { z } from 'zod'
import { ActionId } from './ids.ts'
import { Json, JsonObject } from './json.ts'

export const SYNTAXES = [
  'elixir',
  'javascript',
  'typescript',
  'json',
  'yaml',
  'sql',
  'python',
  'go',
  'rust',
  'bash',
  'dockerfile',
] as const
export const Syntax = z.enum(SYNTAXES)
export type Syntax = z.output<typeof Syntax>

const PathText = z.string().min(1).max(4096)

const Single = [
  /** A file in the workspace, read through a new descriptor. */
  z.object({
    kind: z.literal('file'),
    path: PathText,
    exists: z.boolean().default(true),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    contains: z.string().max(65_536).optional(),
    /** Permission bits, as `0644`. */
    mode: z
      .string()
      .regex(/^0[0-7]{3}$/)
      .optional(),
    /** Whether its bytes differ from those before the action; an absent file had none. */
    changed: z.boolean().optional(),
    /** The grammar whose parser must accept the whole file. */
    syntax: Syntax.optional(),
  }),
  z.object({ kind: z.literal('dir'), path: PathText, exists: z.boolean().default(true) }),
  /** The exit code of the action's own process, as the kernel reported it. */
  z.object({ kind: z.literal('exit_code'), equals: z.int().min(0).max(255).default(0) }),
  z.object({
    kind: z.literal('http'),
    /** A target's name, or an absolute URL. */
    target: z.string().max(256).optional(),
    url: z.url().optional(),
    path: z.string().max(2048).optional(),
    status: z.int().min(100).max(599).default(200),
    body_contains: z.string().max(65_536).optional(),
    json: z.object({ path: z.string().max(256), equals: Json }).optional(),
  }),
  z.object({ kind: z.literal('tcp'), host: z.string().max(253), port: z.int().min(1).max(65_535) }),
  z.object({
    kind: z.literal('service'),
    target: z.string().max(256),
    state: z.enum(['running', 'stopped']),
    /** The process differs from the one before the action. */
    new_process: z.boolean().default(false),
  }),
  /** One read-only statement; its rows, or the first column of its first row, must match. */
  z.object({
    kind: z.literal('sql'),
    target: z.string().max(256),
    query: z.string().max(65_536),
    params: z.array(Json).max(100).default([]),
    equals: Json.optional(),
    rows_min: z.int().min(0).optional(),
    /** SHA-256 of the canonical JSON of all rows. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  }),
  /** The action's own reading, repeated by independent means, gives the same result. */
  z.object({ kind: z.literal('same_again') }),
  /** The same reading is answered a second time; the content may have changed. */
  z.object({ kind: z.literal('answers_again') }),
  /** A reading that may run only once: its answer is the result, and is compared with nothing. */
  z.object({ kind: z.literal('asked_once') }),
  /** The kind's own verification, if no other observation can express it. */
  z.object({ kind: z.literal('own_observation') }),
] as const

interface Composite {
  kind: 'all' | 'any' | 'not'
  of: Observation[]
}
export type SingleObservation = z.output<z.ZodDiscriminatedUnion<typeof Single>>
export type Observation = SingleObservation | Composite

/** Observations compose with all, any and not (`not` takes one). */
export const Observation: z.ZodType<Observation> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    ...Single,
    z.object({ kind: z.literal('all'), of: z.array(Observation).min(1).max(32) }),
    z.object({ kind: z.literal('any'), of: z.array(Observation).min(1).max(32) }),
    z.object({ kind: z.literal('not'), of: z.array(Observation).length(1) }),
  ]),
) as z.ZodType<Observation>

/**
 * verified: observed to hold. failed: observed not to hold. unverified: could not be observed, or not a second time.
 * accepted: not observed yet.
 */
export const VerificationOutcome = z.enum(['verified', 'unverified', 'failed', 'accepted'])
export type VerificationOutcome = z.output<typeof VerificationOutcome>

/**
 * observed in the world; validated (a solution); signed by a person, or by the organization; cited from a cached read; unconfirmed: the answer
 * of a read that may run only once, whose outcome is `unverified` though the read is done.
 */
export const EvidenceKind = z.enum(['observed', 'validated', 'signed', 'cited', 'unconfirmed'])
export type EvidenceKind = z.output<typeof EvidenceKind>

export const Evidence = z.object({
  kind: EvidenceKind,
  outcome: VerificationOutcome,
  /** Absent if it is not about an action. */
  action_id: ActionId.optional(),
  action_kind: z.string().optional(),
  /** What the actor claimed. */
  claimed: z.string().max(4096),
  /** What was observed, in a sentence. */
  observed: z.string().max(4096),
  observed_at: z.iso.datetime(),
  /** It held before, so nothing was done. */
  already_so: z.boolean().optional(),
  /** Facts behind the sentence: hashes, pids, status codes; for `cited` the original's evidence and age. */
  facts: JsonObject.optional(),
})
export type Evidence = z.output<typeof Evidence>
