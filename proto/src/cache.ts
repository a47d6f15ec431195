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

export const CacheEntry = z.object({
  entry_id: z.uuid(),
  tier: z.enum(['exact', 'semantic']),
  age_ms: z.number().min(0),
  value: CacheValue,
})
export type CacheEntry = z.output<typeof CacheEntry>

export const getCache = request({
  subject: 'cache.get',
  owner: 'semantic-cache',
  summary: 'The entry for these words.',
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
  summary: 'Size and hit rate.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({
    entries: z.int(),
    bytes: z.int(),
    hits: z.int(),
    misses: z.int(),
    hit_rate: z.number().nullable(),
    evictions: z.int(),
  }),
})
