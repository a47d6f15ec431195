/** What models were asked, and what that cost. */
import { z } from 'zod'
import { AgentTask } from './agent.ts'
import { request } from './contract.ts'
import { ExecutionId, TaskId } from './ids.ts'

export const MODEL_DAYS_MAX = 90

/** What a model is good at, and what a task needs. */
export const ModelCategory = z.enum(['code', 'reasoning', 'general', 'fast', 'embedding'])
export type ModelCategory = z.output<typeof ModelCategory>

/** asked: under way, or its process died. refused: an answer came that could not be used. */
export const ModelCallStatus = z.enum(['asked', 'solved', 'refused', 'failed'])

/** Days are UTC. Calls are kept for `retention.model_calls_days` of execution.yaml. */
export const modelStats = request({
  subject: 'model.stats',
  owner: 'hybrid-agent',
  summary: 'Calls to models, by day and model, the budget of today, and what departments have spent.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({
    /** The number of days, up to today. */
    days: z.int().min(1).max(MODEL_DAYS_MAX).default(30),
  }),
  output: z.object({
    /** Newest first, then by model; days without calls are left out. */
    days: z.array(
      z.object({
        day: z.iso.date(),
        model: z.string(),
        by_status: z.record(ModelCallStatus, z.int()),
        calls: z.int(),
        prompt_tokens: z.int(),
        answer_tokens: z.int(),
        cost_usd: z.number(),
        /** Calls that are charged at their maximum, since their cost is unknown. */
        cost_unknown: z.int(),
        /** Null while none has ended. */
        average_ms: z.number().nullable(),
        p95_ms: z.number().nullable(),
      }),
    ),
    today: z.object({
      day: z.iso.date(),
      /** What calls have cost, or may cost that are under way; counted against the budget. */
      spent_usd: z.number(),
      /** Null: execution.yaml sets none. */
      budget_usd: z.number().nullable(),
    }),
    /** By name: what each user that has an allocation of the organization has spent of it, also what calls under way may cost. */
    departments: z.array(z.object({ department: z.string(), spent_usd: z.number() })).default([]),
  }),
})
export type ModelStats = z.output<typeof modelStats.output>

/** The order is that in which a task without a language is given to them. */
export const listModels = request({
  subject: 'model.list',
  owner: 'hybrid-agent',
  summary: 'The models that may be asked, what each is good at, its health, and what came of its calls.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({
    models: z.array(
      z.object({
        model: z.string(),
        provider: z.string(),
        categories: z.array(ModelCategory),
        /** Size of the weights; null for an API. */
        bytes: z.int().nullable(),
        /** resting: it failed several times, or its provider refused, and is not asked for a while. */
        health: z.enum(['ready', 'resting']),
        /** Null: it costs nothing. */
        price: z.object({ prompt_usd_per_million: z.number(), answer_usd_per_million: z.number() }).nullable(),
        /** Expected success of the next call, 0 to 1, from the record and, where that is short, from name and size. */
        success: z.number(),
        /** Success that a choice assumes, less what slowness and price cost. */
        score: z.number(),
        /** Of the last 30 days: calls that ended, those with a usable solution, and those whose execution was verified. */
        calls: z.int(),
        solved: z.int(),
        verified: z.int(),
        median_ms: z.number().nullable(),
        cost_usd: z.number(),
      }),
    ),
    /** A sentence for each provider or model that cannot be asked. */
    troubles: z.array(z.string()),
  }),
})

export type ListedModel = z.output<typeof listModels.output>['models'][number]

const CallNumber = z.int().min(1)

/** The calls that an execution made: its receipt. */
export const listModelCalls = request({
  subject: 'model.calls',
  owner: 'hybrid-agent',
  summary: 'The calls to models of one execution.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    execution_id: ExecutionId,
    limit: z.int().min(1).max(500).default(100),
    /** Calls after this one. */
    cursor: z.strictObject({ task_id: TaskId, number: CallNumber }).optional(),
  }),
  output: z.object({
    /** By task, in their order. */
    calls: z.array(
      z.object({
        task_id: TaskId,
        number: CallNumber,
        model: z.string(),
        status: ModelCallStatus,
        /** Why there is no solution. */
        problem: z.string().nullable(),
        prompt_tokens: z.int(),
        answer_tokens: z.int(),
        cost_usd: z.number(),
        cost_unknown: z.boolean(),
        asked_at: z.iso.datetime(),
        duration_ms: z.number().nullable(),
      }),
    ),
    next_cursor: z.object({ task_id: TaskId, number: CallNumber }).nullable(),
  }),
})
export type ModelCall = z.output<typeof listModelCalls.output>['calls'][number]

export const EMBED_TEXTS_MAX = 32
export const EMBED_CHARS_MAX = 4_000
export const DIMENSIONS_MAX = 4_096

/**
 * Vectors of texts, by a local model of the category `embedding`: they cost nothing, and no budget is charged. Vectors of
 * different models are not comparable.
 */
export const embedTexts = request({
  subject: 'model.embed',
  owner: 'hybrid-agent',
  summary: 'Vectors of texts by the local embedding model, or why there are none.',
  timeoutMs: 20_000,
  idempotent: true,
  input: z.object({ texts: z.array(z.string().min(1).max(EMBED_CHARS_MAX)).min(1).max(EMBED_TEXTS_MAX) }),
  output: z.discriminatedUnion('outcome', [
    z.object({
      outcome: z.literal('embedded'),
      /** Name and build: `all-minilm:latest@1b226e2802db`. */
      model: z.string().min(1).max(256),
      dimensions: z.int().min(1).max(DIMENSIONS_MAX),
      /** One for each text, of length 1: float32, little-endian, as base64. */
      vectors: z.array(z.string()).max(EMBED_TEXTS_MAX),
    }),
    z.object({ outcome: z.literal('declined'), reason: z.string().max(1_024) }),
  ]),
})

/** What models would cost that are asked about tasks. */
export const ModelEstimate = z.object({
  /** In the order in which they would be asked, each for all of the tasks: the usual cost, if it answers at once. */
  models: z.array(z.object({ model: z.string(), where: z.enum(['local', 'api']), cost_usd: z.number() })),
  /** Usual ones of the first model; 0 where there is none. */
  tokens: z.int(),
  cost_usd: z.number(),
  /** Never more than this, whatever fails: every call that may be made, each at its maximum, and no more than the budgets. */
  cost_usd_max: z.number(),
  /** The smallest budget that counts; null: none is set. */
  budget_usd: z.number().nullable(),
  /** A sentence for each provider or model that is not asked, such as one without a price. */
  not_asked: z.array(z.string()),
})
export type ModelEstimate = z.output<typeof ModelEstimate>

export const estimateModels = request({
  subject: 'model.estimate',
  owner: 'hybrid-agent',
  summary: 'What models would cost that are asked about tasks; none is asked.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({
    tasks: z.array(AgentTask).min(1).max(500),
    /** Of the request. */
    budget_usd: z.number().min(0).optional(),
  }),
  output: ModelEstimate,
})
