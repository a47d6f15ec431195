/** Solving: from the words of a task to concrete actions. */
import { z } from 'zod'
import { Action, ReadBy } from './action.ts'
import { request, work } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ExecutionId, FencingToken, TaskId } from './ids.ts'
import { JsonObject } from './json.ts'
import { Language, TemplateVersion } from './template.ts'

/** How the outcome of a solution is presented. */
export const AnswerFormat = z.discriminatedUnion('kind', [
  /** The sentence of each action. */
  z.object({ kind: z.literal('actions') }),
  /** Rows of `label` and `count`: "6 assets: 6 Windows workstations". */
  z.object({
    kind: z.literal('count_by_label'),
    noun: z.string().max(128),
    /** Of the noun, for a count of one; absent: the noun itself. Labels are repeated as they are. */
    singular: z.string().max(128).exactOptional(),
  }),
  /** One row, a line per column. */
  z.object({ kind: z.literal('record'), noun: z.string().max(128) }),
  z.object({ kind: z.literal('table') }),
  /** The actions whose data has one of the given values in every field: "1 of 2 services are down: api is stopped". */
  z.object({
    kind: z.literal('matching'),
    /** In the plural. */
    noun: z.string().max(128),
    where: z.record(z.string(), z.array(z.union([z.string(), z.boolean(), z.null()])).min(1)),
    /** What is said of those that match: "are down". */
    words: z.string().max(128),
    /** which: those that match are named. all: those that do not match are. */
    asks: z.enum(['which', 'all']),
  }),
])
export type AnswerFormat = z.output<typeof AnswerFormat>

export const PlannedAction = z.object({
  /** Unique within the solution. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  title: z.string().max(512),
  action: Action,
  depends_on: z.array(z.string()).default([]),
})
export type PlannedAction = z.output<typeof PlannedAction>

/** How the words of a task were understood, where they are not a rule's own words. */
export const Reading = z.object({
  /** The task as Deed understood it, in its own words: "restart demo-api". */
  text: z.string().min(1).max(512),
  by: ReadBy,
})
export type Reading = z.output<typeof Reading>

/** Content and actions that solve a task. */
export const Solution = z.object({
  actions: z.array(PlannedAction).min(1).max(100),
  answer: AnswerFormat.default({ kind: 'actions' }),
  /** The rule that found it, as `pack/rule`. */
  rule: z.string().max(256).optional(),
  template_id: z.string().max(128).optional(),
  template_version: TemplateVersion.optional(),
  confidence: z.number().min(0).max(1),
  /** Absent where a rule knows the very words. */
  reading: Reading.optional(),
  /** Its known duration, if the author stated one. */
  estimated_ms: z.int().min(0).optional(),
})
export type Solution = z.output<typeof Solution>

/** A template as it is sent to a renderer. */
export const TemplateBody = z.object({
  id: z.string().max(128),
  version: z.int().min(1),
  language: Language,
  task_type: z.string().max(64),
  body: z.string().max(131_072),
  variables: z.record(z.string(), z.string()).default({}),
  /** What fills a variable that has not the name of a fact: a text with placeholders for facts. */
  sources: z.record(z.string(), z.string()).default({}),
  /** The nouns of what it makes; empty: those of its task type. */
  makes: z.array(z.string().max(64)).max(20).default([]),
  /** The output path for a task that names no file, as a template: `lib/{{name | snake}}.ex`. */
  file: z.string().max(512).optional(),
})
export type TemplateBody = z.output<typeof TemplateBody>

/** A step of a plan that has begun; `hash` is the one of its kind and input. */
export const EarlierStep = z.object({
  title: z.string().max(512),
  kind: z.string().max(128),
  target: z.string().max(256).optional(),
  hash: z.string().max(64),
})
export type EarlierStep = z.output<typeof EarlierStep>

/** A plan of which one action failed: only what takes the place of that action is planned. */
export const FailedPlan = z.object({
  failed: EarlierStep,
  /** These stay as they are. */
  done: z.array(EarlierStep).max(100),
  /** These follow the new actions. */
  to_come: z.array(EarlierStep).max(100),
})
export type FailedPlan = z.output<typeof FailedPlan>

export const AgentTask = z.object({
  description: z.string().min(1).max(65_536),
  type: z.string().max(64).optional(),
  complexity: z.enum(['simple', 'medium', 'complex']).optional(),
  language: Language.optional(),
  target_file: z.string().max(4096).optional(),
  acceptance_criteria: z.array(z.string().max(4096)).max(100).optional(),
  template: TemplateBody.optional(),
  context: JsonObject.optional(),
  failed_plan: FailedPlan.optional(),
})
export type AgentTask = z.output<typeof AgentTask>

/** The id of an option; unique within its question. */
export const OptionId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/)

/** One answer to a question: a reading of the words, and what would follow from it. */
export const QuestionOption = z.object({ id: OptionId, reading: z.string().min(1).max(512), solution: Solution })
export type QuestionOption = z.output<typeof QuestionOption>

/** What is asked where the words can be read in several ways, or say too little. */
export const Question = z.object({
  text: z.string().min(1).max(1_024),
  /** Empty where only new words can answer. */
  options: z.array(QuestionOption).max(5),
})
export type Question = z.output<typeof Question>

/** Tasks that can be done here, as sentences with this world's own names. */
export const Suggestions = z.array(z.string().max(256)).max(3)

/** What each stage of understanding made of the words. */
export const Explanation = z.object({
  /** The words without courtesy, reasons and spelling errors. */
  normalised: z.string(),
  stages: z.array(
    z.object({
      stage: z.enum(['exact', 'learned', 'similar', 'question']),
      outcome: z.enum(['handled', 'asks', 'declined', 'refused', 'not_reached']),
      reason: z.string(),
    }),
  ),
  /** Best first. */
  candidates: z
    .array(
      z.object({
        rule: z.string().max(256),
        reading: z.string().max(512),
        slots: z.record(z.string(), z.string()),
        confidence: z.number().min(0).max(1),
      }),
    )
    .max(5),
  /** Words that neither the best candidate nor its slots explain. */
  unexplained: z.array(z.string()),
})
export type Explanation = z.output<typeof Explanation>

/** By a rule, free and at once; a task that needs a model is declined here, and is queued as work. */
export const processTask = request({
  subject: 'agent.process',
  owner: 'hybrid-agent',
  summary: 'Find the actions for a task.',
  timeoutMs: 5_000,
  idempotent: true,
  input: AgentTask.extend({
    id: z.string().max(128).optional(),
    /** Adds what each stage made of the words. */
    explain: z.boolean().default(false),
    /** Only the acceptance criteria are observed; the words do nothing. */
    checks: z.boolean().default(false),
  }),
  output: z.discriminatedUnion('outcome', [
    z.object({
      outcome: z.literal('handled'),
      method: z.enum(['autonomous', 'cached']),
      solution: Solution,
      /** With `checks`: the criteria that no rule can observe. */
      unchecked: z.array(z.string()).optional(),
      explanation: Explanation.optional(),
    }),
    /** A person chooses, or says it in other words. */
    z.object({ outcome: z.literal('asks'), question: Question, explanation: Explanation.optional() }),
    /**
     * needs_template: call again with `template`. needs_model: queue it as work for a model. no_instruction: the words
     * forbid, doubt, suppose, report or ask how, so nothing may be done; or, with `checks`, no criterion can be observed.
     */
    z.object({
      outcome: z.literal('declined'),
      reason: z.enum(['needs_template', 'needs_model', 'no_instruction']),
      message: z.string(),
      suggestions: Suggestions.optional(),
      explanation: Explanation.optional(),
    }),
    /** A rule understands the task, and it is impossible. */
    z.object({ outcome: z.literal('refused'), error: ErrorBody, explanation: Explanation.optional() }),
  ]),
})
export type AgentReply = z.output<typeof processTask.output>

/** What each stage of understanding makes of a task's words. Nothing is done, and nothing is queued. */
export const explainTask = request({
  subject: 'agent.explain',
  owner: 'hybrid-agent',
  summary: 'How the words of a task are understood; nothing is done.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ task: AgentTask.shape.description }),
  output: processTask.output,
})

/** A question for a model. Its answer comes as `task.report` with a solution. */
export const workSolve = work({
  subject: 'work.solve',
  owner: 'orchestrator',
  summary: 'Find the actions for a task with a model.',
  stream: 'WORK',
  consumer: 'hybrid-agent',
  payload: z.object({
    task_id: TaskId,
    execution_id: ExecutionId,
    tenant: z.string(),
    /** The user whose money it is, where the organization gave that user any. */
    requested_by: z.string().optional(),
    token: FencingToken,
    task: AgentTask,
    /** The budget, in millionths of a dollar; absent: as configured. */
    budget_microusd: z.int().min(0).optional(),
    /** Earlier attempts' errors, newest last. */
    earlier_errors: z.array(ErrorBody).max(10).default([]),
  }),
})
export type WorkSolve = z.output<typeof workSolve.payload>
