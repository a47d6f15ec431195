/** The rules in force, and the sentences that a tenant taught them. */
import { z } from 'zod'
import { AgentTask, Solution } from './agent.ts'
import { request } from './contract.ts'
import { ExecutionId } from './ids.ts'

/** `pack/rule` */
export const RuleId = z.string().regex(/^[a-z][a-z0-9-]{0,63}\/[a-z][a-z0-9-]{0,63}$/)

export const PackFault = z.object({
  file: z.string(),
  /** The first line is 1. */
  line: z.int().min(1),
  reason: z.string(),
})
export type PackFault = z.output<typeof PackFault>

const RuleView = z.object({
  id: RuleId,
  /** What it does, with `{slot}` for what the sentence names. */
  does: z.string(),
  effect: z.enum(['read', 'change', 'refuse']),
  /** Sentences with names of this world; none if the world has nothing that the rule applies to. */
  examples: z.array(z.string()),
  /** Its patterns and its other sentences; only if one rule is asked for. */
  match: z.array(z.string()).optional(),
  paraphrases: z.array(z.string()).optional(),
})
export type RuleView = z.output<typeof RuleView>

export const PackView = z.object({
  pack: z.string(),
  version: z.int(),
  description: z.string(),
  file: z.string(),
  /** From RULES_DIR, not built in. */
  own: z.boolean(),
  rules: z.array(RuleView),
})
export type PackView = z.output<typeof PackView>

export const listRules = request({
  subject: 'rules.list',
  owner: 'hybrid-agent',
  summary: 'The rule packs in force, with sentences for this world.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ rule: RuleId.optional() }),
  output: z.object({
    packs: z.array(PackView),
    /** Of a change in RULES_DIR that is not in force. */
    faults: z.array(PackFault),
  }),
})

const TEXT_CHARS_MAX = 900_000

/** A pack passes alone and with the packs in force, and none of its sentences is as near to another rule. */
export const testRules = request({
  subject: 'rules.test',
  owner: 'hybrid-agent',
  summary: 'Run the tests of rule packs, and find the sentences that two rules claim.',
  timeoutMs: 30_000,
  idempotent: true,
  input: z.strictObject({
    /** Default: the files in RULES_DIR. */
    files: z
      .array(z.strictObject({ file: z.string().min(1).max(4_096), text: z.string().max(TEXT_CHARS_MAX) }))
      .min(1)
      .max(100)
      .optional(),
  }),
  output: z.object({
    files: z.array(z.object({ file: z.string(), rules: z.int(), tests: z.int() })),
    faults: z.array(PackFault),
    /** Sentences that two rules match equally well, so that neither applies. */
    collisions: z.array(z.object({ sentence: z.string(), rules: z.array(z.string()).length(2) })),
  }),
})
export type RulesTested = z.output<typeof testRules.output>

export const LearnedId = z.string().regex(/^[0-9a-f]{12}$/)

/**
 * What was learned from a choice is trusted at once. A model's plan is a candidate once it was verified, and a shadow
 * while models, which are still asked, plan the same again and that is verified; it is trusted, and used without a model,
 * from three such plans on. A failure, a denial or an undo demotes it: then it takes more of them.
 */
export const LearnedStage = z.enum(['candidate', 'shadow', 'trusted', 'demoted'])
export type LearnedStage = z.output<typeof LearnedStage>

export const LearnedView = z.object({
  id: LearnedId,
  stage: LearnedStage,
  /** Verified executions that led to the same plan, and those that failed, were denied or were undone. */
  proven: z.int(),
  failed: z.int(),
  /** With `{slot}` for the names that may vary. */
  sentence: z.string(),
  /** What it meant when it was learned. */
  reading: z.string(),
  /** choice: a person chose the reading. model: a model's plan was verified. */
  source: z.enum(['choice', 'model']),
  rule: RuleId.nullable(),
  /** False where its rule is gone, or does not take these slots any longer. */
  active: z.boolean(),
  execution_id: ExecutionId,
  learned_by: z.string(),
  learned_at: z.iso.datetime(),
  used_at: z.iso.datetime().nullable(),
  uses: z.int().min(0),
})
export type LearnedView = z.output<typeof LearnedView>

export const listLearned = request({
  subject: 'rules.learned',
  owner: 'hybrid-agent',
  summary: "The tenant's own sentences, and what they mean.",
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({ sentences: z.array(LearnedView) }),
})

export const forgetLearned = request({
  subject: 'rules.forget',
  owner: 'hybrid-agent',
  summary: 'Forget learned sentences of the tenant: one, or all.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    /** Give one of the two. */
    id: LearnedId.optional(),
    all: z.literal(true).optional(),
  }),
  output: z.object({ forgotten: z.int().min(0) }),
})

export const exportLearned = request({
  subject: 'rules.export',
  owner: 'hybrid-agent',
  summary: 'The learned sentences of the tenant as a rule pack.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({
    /** YAML; null if there is nothing to export. */
    pack: z.string().nullable(),
    sentences: z.int().min(0),
    left_out: z.array(z.object({ id: LearnedId, sentence: z.string(), reason: z.string() })),
  }),
})

/** The orchestrator's alone: an execution that ended verified. Nothing else is learned from. */
export const learnSentence = request({
  subject: 'agent.learn',
  owner: 'hybrid-agent',
  summary: 'Learn what a sentence means from its verified execution.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.object({
    execution_id: ExecutionId,
    /** The requester's own words. */
    task: AgentTask,
    source: z.enum(['choice', 'model']),
    solution: Solution,
  }),
  output: z.object({
    id: LearnedId.nullable(),
    /** Why nothing was learned. */
    reason: z.string().nullable(),
  }),
})

/** The orchestrator's alone: an execution that failed, was denied or was undone. */
export const unlearnSentence = request({
  subject: 'agent.unlearn',
  owner: 'hybrid-agent',
  summary: 'Forget what a sentence meant, or trust it less.',
  timeoutMs: 2_000,
  idempotent: true,
  input: z.object({ execution_id: ExecutionId, task: AgentTask }),
  output: z.object({ forgotten: z.int().min(0) }),
})
