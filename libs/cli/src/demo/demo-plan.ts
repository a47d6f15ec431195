/** The demo's own data: its tasks, and what each must come to. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { WordsRead } from '@deed/proto/action'
import { ExecutionRequest } from '@deed/proto/execution'
import { ExecutionStatus, Method } from '@deed/proto/states'
import { parse } from 'yaml'
import { z } from 'zod'

export const DEMO_DIR = resolve(import.meta.dirname, '../../../../examples/demo')

const Level = z.int().min(0).max(3)

/** What the reply must say; what is not named may be as it is. */
const Expected = z.strictObject({
  status: ExecutionStatus,
  success: z.boolean().default(true),
  method: Method.optional(),
  cache_hit: z.boolean(),
  /** The highest that anybody was asked for; 0: nobody was. `at_least`: the sandbox of the host decides how much more. */
  level: z.union([Level, z.strictObject({ at_least: Level })]),
  text: z.string().optional(),
  /** Occurs in what was observed. */
  observed: z.string().optional(),
  /** What must be among the evidence, as `kind outcome`. */
  evidence: z.array(z.string()).default([]),
  already_so: z.boolean().optional(),
  /** How the words were understood, where no rule knows them as they are. */
  reading: WordsRead.pick({ text: true, by: true }).optional(),
})
export type Expected = z.output<typeof Expected>

const ServiceState = z.strictObject({
  name: z.string(),
  before: z.enum(['up', 'down']),
  /** another, same: process than before. */
  after: z.enum(['up', 'another', 'same']),
})

const FileState = z.union([
  z.literal('unchanged'),
  z.literal('absent'),
  z.strictObject({ before: z.literal('absent').optional(), contains: z.string() }),
])
export type FileState = z.output<typeof FileState>

const DemoTask = z.strictObject({
  task: z.string(),
  language: ExecutionRequest.shape.language,
  context: ExecutionRequest.shape.context,
  /** Up to which level the demo approves. */
  approve: Level.default(0),
  /** Which reading the demo chooses, where it is asked what the words mean. */
  choose: z.string().optional(),
  /** Asked for beforehand, to set the scene. */
  first: z.strictObject({ task: z.string(), approve: Level.default(0) }).optional(),
  reply: Expected,
  /** What must be found without Deed. */
  world: z.strictObject({
    sql: z.strictObject({ query: z.string(), value: z.number() }).optional(),
    service: ServiceState.optional(),
    files: z.record(z.string(), FileState).default({}),
  }),
})
export type DemoTask = z.output<typeof DemoTask>

const DemoPlan = z.strictObject({
  files: z.record(z.string(), z.strictObject({ content: z.string(), mode: z.string().regex(/^0[0-7]{3}$/) })),
  killed: z.array(z.string()),
  tasks: z.array(DemoTask).min(1),
})
export type DemoPlan = z.output<typeof DemoPlan>

export function readDemoPlan(): DemoPlan {
  return DemoPlan.parse(parse(readFileSync(join(DEMO_DIR, 'tasks.yaml'), 'utf8')))
}
