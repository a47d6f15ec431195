/** Templates: selected by the task's words, learned from outcomes. */
import { z } from 'zod'
import { request } from './contract.ts'
import { ExecutionId } from './ids.ts'

export const LANGUAGES = ['elixir', 'rust', 'typescript', 'go', 'python', 'javascript', 'sql', 'yaml', 'bash'] as const
export const Language = z.enum(LANGUAGES)
export type Language = z.output<typeof Language>

const TemplateId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/)

/** Limited by the column that stores it. */
export const TemplateVersion = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)

const TaskWords = z.object({
  task: z.string().min(1).max(65_536),
  language: Language.optional(),
  complexity: z.enum(['simple', 'medium', 'complex']).optional(),
  /** Makes the selection repeatable: the same seed and the same history select the same template. */
  seed: z.string().max(128).optional(),
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
        usage_count: z.int(),
        success_rate: z.number().nullable(),
        last_used_at: z.iso.datetime().nullable(),
      }),
    ),
  }),
})
