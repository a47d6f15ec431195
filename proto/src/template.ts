/** Templates: selected by the task's words, learned from outcomes. */
import { z } from 'zod'
import { request } from './contract.ts'
import { ExecutionId } from './ids.ts'

export const LANGUAGES = [
  'elixir',
  'rust',
  'typescript',
  'go',
  'python',
  'javascript',
  'sql',
  'yaml',
  'bash',
  'dockerfile',
] as const
export const Language = z.enum(LANGUAGES)
export type Language = z.output<typeof Language>

export const TemplateId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/)

/** Limited by the column that stores it. */
export const TemplateVersion = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)

/**
 * How far a template is trusted: a candidate has no verified outcome, a canary competes in a small share of the choices,
 * a trusted one always, and a demoted one only to be tried again or for want of another.
 */
export const TemplateStage = z.enum(['candidate', 'canary', 'trusted', 'demoted'])
export type TemplateStage = z.output<typeof TemplateStage>

/** What is known of a template: `low` and `high` bound its reward with a confidence of 95 %. */
const Evidence = {
  id: TemplateId,
  version: z.int(),
  stage: TemplateStage,
  uses: z.int(),
  low: z.number().min(0).max(1),
  high: z.number().min(0).max(1),
}

const TemplateExplanation = z.object({
  words: z.string(),
  /** The templates that fit most closely. */
  candidates: z.array(
    z.object({
      ...Evidence,
      /** The expected reward, 0 to 1. */
      mean: z.number(),
      /** The number drawn from its posterior, of which the highest won; null if it did not compete. */
      drawn: z.number().nullable(),
    }),
  ),
})
export type TemplateExplanation = z.output<typeof TemplateExplanation>

/** Of using a template that has not proven itself: a high risk is never an experiment. */
export const TemplateRisk = z.enum(['low', 'medium', 'high'])

const TaskWords = z.object({
  task: z.string().min(1).max(65_536),
  language: Language.optional(),
  complexity: z.enum(['simple', 'medium', 'complex']).optional(),
  /** Makes the selection repeatable: the same seed and the same history select the same template. */
  seed: z.string().max(128).optional(),
  /** Says why this template was selected. */
  explain: z.boolean().optional(),
})

/** The best template for a task: specific, else language-generic, else universal; there is always one. */
export const selectTemplate = request({
  subject: 'template.select',
  owner: 'template-optimizer',
  summary: 'Select the best template for a task.',
  timeoutMs: 2_000,
  idempotent: true,
  input: TaskWords,
  output: z.object({
    id: TemplateId,
    version: z.int().min(1),
    task_type: z.string(),
    language: Language.or(z.literal('any')),
    /** Of the task type, 0 to 1. */
    confidence: z.number().min(0).max(1),
    /** Of the template, 0 to 1. */
    score: z.number().min(0).max(1),
    alternatives: z.array(z.object({ id: TemplateId, score: z.number() })),
    explanation: TemplateExplanation.optional(),
  }),
})
export type TemplateChoice = z.output<typeof selectTemplate.output>

export const getTemplate = request({
  subject: 'template.get',
  owner: 'template-optimizer',
  summary: 'A template with its body.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.object({ id: TemplateId, version: TemplateVersion.optional() }),
  output: z.object({
    id: TemplateId,
    version: z.int().min(1),
    language: Language.or(z.literal('any')),
    task_type: z.string(),
    description: z.string(),
    body: z.string(),
    /** Variable names with their default values. */
    variables: z.record(z.string(), z.string()),
    /** What fills a variable that has not the name of a fact: a text with placeholders for facts. */
    sources: z.record(z.string(), z.string()),
    /** The nouns of what it makes. */
    makes: z.array(z.string()),
    /** Commands that accept the result where their program is installed; `{{file}}` is its path. */
    acceptance: z.array(z.string()),
    risk: TemplateRisk,
    /** The output path for a task that names no file, as a template. */
    file: z.string().max(512).optional(),
  }),
})

/** The outcome of a template's use. Counts once per execution and template; a repeat changes nothing. */
export const recordTemplate = request({
  subject: 'template.record',
  owner: 'template-optimizer',
  summary: 'Learn from an outcome.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.object({
    template_id: TemplateId,
    template_version: TemplateVersion.optional(),
    execution_id: ExecutionId.optional(),
    task: z.string().min(1).max(65_536),
    metrics: z.object({
      /** Whether the verification succeeded, never a claim. */
      success: z.boolean(),
      time_ms: z.number().min(0),
      quality: z.number().min(0).max(1).nullable().default(null),
      cost_usd: z.number().min(0).default(0),
    }),
  }),
  output: z.object({
    template_id: TemplateId,
    usage_count: z.int(),
    success_rate: z.number(),
    average_ms: z.number(),
    quality: z.number().nullable(),
  }),
})

export const listTemplates = request({
  subject: 'template.list',
  owner: 'template-optimizer',
  summary: 'All templates with their scores.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.strictObject({ language: Language.optional(), task_type: z.string().max(64).optional() }),
  output: z.object({
    templates: z.array(
      z.object({
        id: TemplateId,
        version: z.int(),
        language: Language.or(z.literal('any')),
        task_type: z.string(),
        description: z.string(),
        /** Whether it was not shipped. */
        own: z.boolean(),
        risk: TemplateRisk,
        stage: TemplateStage,
        usage_count: z.int(),
        success_rate: z.number().nullable(),
        last_used_at: z.iso.datetime().nullable(),
      }),
    ),
    /** Of a change in TEMPLATES_DIR that is not in force, with file and line. */
    faults: z.array(z.string()),
  }),
})

/** What the templates are worth, in figures and words. */
export const analyzeTemplates = request({
  subject: 'template.analyze',
  owner: 'template-optimizer',
  summary: 'What the templates are worth, and what to do about it.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    /** The number of days of the trend, up to today. */
    days: z.int().min(3).max(180).default(30),
  }),
  output: z.object({
    totals: z.object({ templates: z.int(), used: z.int(), uses: z.int() }),
    /** By the lower bound of the reward, best first; templates with at least 5 uses. */
    top: z.array(z.object({ ...Evidence, success_rate: z.number().nullable() })),
    /** Most used first; the shares sum to 1. */
    usage: z.array(z.object({ id: TemplateId, uses: z.int(), share: z.number() })),
    /** Of the verified quality over all templates: its change in a day, 0 to 1. Unknown below 3 days with a use. */
    trend: z.object({
      direction: z.enum(['improving', 'stable', 'declining', 'unknown']),
      per_day: z.number(),
      days: z.int(),
    }),
    recommendations: z.array(z.string()),
  }),
})
export type TemplateAnalysis = z.output<typeof analyzeTemplates.output>

/** What came of a template, by day (UTC) and version. Outcomes are kept for half a year. */
export const templateHistory = request({
  subject: 'template.history',
  owner: 'template-optimizer',
  summary: 'How a template did, over time.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    id: TemplateId,
    /** The number of days, up to today. */
    days: z.int().min(1).max(180).default(30),
  }),
  output: z.object({
    /** Oldest first; days without a use are left out. */
    days: z.array(
      z.object({
        day: z.iso.date(),
        version: z.int(),
        uses: z.int(),
        successes: z.int(),
        average_ms: z.number(),
        quality: z.number().nullable(),
        cost_usd: z.number(),
      }),
    ),
  }),
})
export type TemplateDay = z.output<typeof templateHistory.output>['days'][number]
