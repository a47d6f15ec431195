/** The sentences of services/hybrid-agent/test-data, and the world that they speak of. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { JsonObject } from '@deed/proto/json'
import { z } from 'zod'

const FOLDER = join(import.meta.dirname, '../../services/hybrid-agent/test-data/sentences')

export const PARTS = ['train', 'tune', 'test'] as const
export type Part = (typeof PARTS)[number]

const Meaning = z.strictObject({
  kind: z.string(),
  /** The fields that the words decide; an action may have more. */
  input: JsonObject,
  /** How the outcome is presented, where that is part of the meaning. */
  answer: z.string().exactOptional(),
})
export type Meaning = z.output<typeof Meaning>

const Sentence = z.strictObject({
  say: z.string().min(1),
  /** Empty: nothing may be done. */
  means: z.array(Meaning),
  /** Other meanings that are as right. */
  or: z.array(z.array(Meaning)).default([]),
  /** A question is as right as an action, or as doing nothing. */
  asks_ok: z.boolean().default(false),
  tags: z.array(z.string()),
})
export type Sentence = z.output<typeof Sentence> & { readonly part: Part }

/** @throws if a line is not valid, or a sentence occurs twice */
export function readSentences(): Sentence[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl'))
  const sentences = files.toSorted().flatMap((name) =>
    readFileSync(join(FOLDER, name), 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        if (line === '') return []
        const { data, error } = Sentence.safeParse(JSON.parse(line))
        if (!data) throw new Error(`${name}:${index + 1}: ${z.prettifyError(error)}`)
        return [{ ...data, part: partOf(data.say) }]
      }),
  )
  const seen = new Set<string>()
  for (const { say } of sentences) {
    if (seen.has(say)) throw new Error(`the sentence ${JSON.stringify(say)} occurs twice`)
    seen.add(say)
  }
  return sentences
}

/** Rules and thresholds may be made from `train` and `tune`, never from `test`. */
function partOf(say: string): Part {
  const share = createHash('sha256').update(say).digest().readUInt32BE(0) / 2 ** 32
  return share < 0.6 ? 'train' : share < 0.8 ? 'tune' : 'test'
}

/** The configuration whose names the sentences use. */
export const readWorld = (): ExecutionConfig => readExecutionConfig(join(FOLDER, 'world.yaml'))
