/**
 * Answers and solutions that were verified once. An answer is only served for a request that changes nothing; the
 * tenant is the caller's.
 */
import { z } from 'zod'
import { ActionResult } from './action.ts'
import { Solution } from './agent.ts'
import { request } from './contract.ts'
import { ExecutionId } from './ids.ts'
import { Evidence } from './observation.ts'
import { Language } from './template.ts'

/** The time in microseconds since 1970, and the id, of the last entry of a page. */
export const CacheCursor = z.string().regex(/^\d{1,17}\.[0-9a-f-]{36}$/)

/** What must be equal besides the words. */
export const CacheScope = z.object({
  text: z.string().min(1).max(65_536),
  language: Language.optional(),
  /** Of workspace, target file, context and acceptance criteria. */
  context_hash: z.string().max(64),
})
export type CacheScope = z.output<typeof CacheScope>

export const CachedAnswer = z.object({
  kind: z.literal('answer'),
  result: ActionResult,
  evidence: z.array(Evidence).min(1),
  execution_id: ExecutionId,
  template_used: z.string().nullable(),
  model_used: z.string().nullable(),
})

/** Must be executed and verified again. */
export const CachedSolution = z.object({
  kind: z.literal('solution'),
  solution: Solution,
  execution_id: ExecutionId,
  model_used: z.string().nullable(),
})

export const CacheValue = z.discriminatedUnion('kind', [CachedAnswer, CachedSolution])
export type CacheValue = z.output<typeof CacheValue>

/** Proposals that were compared with the answer that was computed afresh, and what that says about the others. */
export const WrongHits = z.object({
  judged: z.int().min(0),
  wrong: z.int().min(0),
  /** Upper bound of the share of wrong hits, 95 % confidence (Clopper-Pearson); 1 if nothing was judged. */
  wrong_max: z.number().min(0).max(1),
})

/** Why an entry for other words may be served. words: they say the same; vote: the nearest questions have this answer. */
export const ProposedBy = z.enum(['words', 'vote'])

const ScopeHash = z.string().regex(/^[0-9a-f]{64}$/)

export const CacheEntry = z.object({
  entry_id: z.uuid(),
  tier: z.enum(['exact', 'semantic']),
  age_ms: z.number().min(0),
  value: CacheValue,
  /** Of the tier `semantic`. */
  similar: z
    .object({
      /** The words that the entry was found for. */
      text: z.string(),
      way: ProposedBy,
      /** From 0 to 1: the cosine of the angle between the words' vectors. It proposes, and decides nothing. */
      similarity: z.number().min(0).max(1),
      /** Of an answer. A solution has none: it is approved, executed and verified like any plan. */
      certificate: WrongHits.nullable(),
      /** What had to be equal, as a hash: where it is reported as wrong, nothing is served there any more. */
      scope: ScopeHash.optional(),
      /** What was compared: `lexical`, or the model whose vectors were, with its build. */
      vector: z.string().optional(),
    })
    .optional(),
})
export type CacheEntry = z.output<typeof CacheEntry>

export const getCache = request({
  subject: 'cache.get',
  owner: 'semantic-cache',
  summary: 'The entry for these words, or for similar ones where that is certified.',
  timeoutMs: 500,
  idempotent: true,
  input: CacheScope,
  output: z.object({ entry: CacheEntry.nullable() }),
})

/**
 * The right to compute an answer. The first caller leads, and puts or releases; the others are answered then, so that
 * equal concurrent requests compute once. The lease of a dead leader expires.
 */
export const reserveCache = request({
  subject: 'cache.reserve',
  owner: 'semantic-cache',
  summary: 'Compute once for concurrent callers.',
  timeoutMs: 30_000,
  idempotent: true,
  input: CacheScope.extend({ execution_id: ExecutionId }),
  output: z.discriminatedUnion('state', [
    z.object({ state: z.literal('lead'), expires_in_ms: z.int().min(1) }),
    z.object({ state: z.literal('hit'), entry: CacheEntry }),
  ]),
})

export const putCache = request({
  subject: 'cache.put',
  owner: 'semantic-cache',
  summary: 'Store what a verified execution found.',
  timeoutMs: 2_000,
  idempotent: true,
  input: CacheScope.extend({ value: CacheValue, ttl_ms: z.int().min(1).optional() }),
  output: z.object({ entry_id: z.uuid() }),
})

export const releaseCache = request({
  subject: 'cache.release',
  owner: 'semantic-cache',
  summary: 'Release a reservation without an answer.',
  timeoutMs: 2_000,
  idempotent: true,
  input: CacheScope.extend({ execution_id: ExecutionId }),
  output: z.object({ released: z.boolean() }),
})

/** Whether the plan that was proposed for the words held. One that did not is proposed for no such words again. */
export const judgeCache = request({
  subject: 'cache.judge',
  owner: 'semantic-cache',
  summary: 'Report what came of a plan for similar words.',
  timeoutMs: 2_000,
  idempotent: true,
  input: CacheScope.extend({ held: z.boolean() }),
  output: z.object({ judged: z.boolean() }),
})

/**
 * An entry that was served was wrong. It is removed; if it was served for similar words, the certificate of its scope is
 * closed before the reply, and it is proposed for nothing again that is no more similar.
 */
export const reportCache = request({
  subject: 'cache.report',
  owner: 'semantic-cache',
  summary: 'Report a wrong answer: it is removed, and its scope is closed.',
  timeoutMs: 4_000,
  idempotent: true,
  input: z.strictObject({
    entry_id: z.uuid(),
    /** Of the reply that served it. */
    similar: z.strictObject({ scope: ScopeHash, similarity: z.number().min(0).max(1) }).optional(),
  }),
  output: z.object({ removed: z.int().min(0), closed: z.boolean() }),
})

export const invalidateCache = request({
  subject: 'cache.invalidate',
  owner: 'semantic-cache',
  summary: 'Invalidate entries: one, those of an execution, or all of the tenant.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.strictObject({
    entry_id: z.uuid().optional(),
    execution_id: ExecutionId.optional(),
    all: z.literal(true).optional(),
  }),
  output: z.object({ removed: z.int().min(0) }),
})

export const cacheStats = request({
  subject: 'cache.stats',
  owner: 'semantic-cache',
  summary: 'Size, hit rate, and the bound of wrong hits.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({
    entries: z.int(),
    bytes: z.int(),
    hits: z.int(),
    misses: z.int(),
    hit_rate: z.number().nullable(),
    /** Hits on similar words; the others are on the same words. */
    similar_hits: z.int(),
    /** Of the answers for similar words. */
    wrong_hits: WrongHits,
    /** Scopes in which proposals were judged: equal kind, language, context and version. */
    scopes: z.array(
      WrongHits.extend({
        scope: z.string(),
        kind: z.enum(['answer', 'solution']),
        way: ProposedBy,
        /** `lexical`, or the model whose vectors are compared. */
        vector: z.string().optional(),
        /** Whether answers are served. */
        open: z.boolean(),
        /** When a wrong answer closed it: only what was judged since counts. */
        closed_at: z.iso.datetime().nullable().optional(),
      }),
    ),
    evictions: z.int(),
  }),
})

/** Entries that can still be served, newest first. */
export const listCache = request({
  subject: 'cache.list',
  owner: 'semantic-cache',
  summary: 'The entries of the tenant.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    kind: z.enum(['answer', 'solution']).optional(),
    execution_id: ExecutionId.optional(),
    limit: z.int().min(1).max(200).default(50),
    /** `next_cursor` of the previous page. */
    cursor: CacheCursor.optional(),
  }),
  output: z.object({
    entries: z.array(
      z.object({
        entry_id: z.uuid(),
        kind: z.enum(['answer', 'solution']),
        tier: CacheEntry.shape.tier,
        /** The words, or the beginning of them. */
        text: z.string(),
        language: Language.nullable(),
        /** That found it. */
        execution_id: ExecutionId,
        bytes: z.int(),
        age_ms: z.number().min(0),
        expires_in_ms: z.number(),
        /** How often this replica served it since its start; the newest 10,000 served entries are counted. */
        hits: z.int().min(0),
      }),
    ),
    next_cursor: CacheCursor.nullable(),
  }),
})
