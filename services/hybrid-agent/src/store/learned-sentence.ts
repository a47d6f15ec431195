/** A sentence in a tenant's own words whose meaning was proven once: by a verified execution. */
import { AnswerFormat, PlannedAction } from '@deed/proto/agent'
import type { LearnedStage } from '@deed/proto/rules'
import { z } from 'zod'

/** Where the value of a slot comes from: the n-th name of the sentence, or it is always the same. */
export const SlotSource = z.union([
  z.strictObject({ name: z.int().min(0) }),
  z.strictObject({ is: z.string() }),
  /** A noun of a database. */
  z.strictObject({ noun: z.string(), singular: z.boolean() }),
])
export type SlotSource = z.output<typeof SlotSource>

const Slots = z.record(z.string(), SlotSource)

export const Meaning = z.discriminatedUnion('by', [
  /** A rule with these slots. */
  z.strictObject({ by: z.literal('rule'), rule: z.string(), slots: Slots }),
  /** Actions whose texts hold `{{slot}}`: alone in an input, anywhere in a title. */
  z.strictObject({
    by: z.literal('plan'),
    actions: z.array(PlannedAction).min(1),
    answer: AnswerFormat,
    slots: Slots,
    /** The type that the target in a slot must have. */
    types: z.record(z.string(), z.string()),
  }),
])
export type Meaning = z.output<typeof Meaning>

export const LearnedSentence = z.object({
  id: z.string(),
  /** With every name made generic. */
  words: z.string(),
  /** With the names that may vary as `{slot}`. */
  sentence: z.string(),
  /** As it was said when it was learned. */
  said: z.string(),
  /** The names that may not vary, by their number. */
  fixed: z.record(z.string(), z.string()),
  meaning: Meaning,
  /** What it means, for people. */
  reading: z.string(),
  source: z.enum(['choice', 'model']),
})
export type LearnedSentence = z.output<typeof LearnedSentence>

/** The sentences of one tenant, by their words. */
export type TenantSentences = ReadonlyMap<string, readonly (LearnedSentence & { readonly stage: LearnedStage })[]>
