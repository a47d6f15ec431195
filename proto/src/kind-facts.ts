/** What is known of a kind of action. */
import type { z } from 'zod'
import type { EffectClass, Reversibility } from './action.ts'
import type { JsonObject } from './json.ts'
import type { Observation } from './observation.ts'

/** What a policy may say otherwise. */
export interface PolicyFacts {
  /** What it does, before its target has been read. */
  readonly effect: EffectClass
  /** The HTTP methods with which it only reads. */
  readonly reads_with?: readonly string[] | undefined
  /** Where its target is absent, it creates it, so it may go ahead without an inspection: it is sealed to the absence. */
  readonly creates?: 'absent' | undefined
  /** Known before its target has been read. */
  readonly reversibility?: Reversibility | undefined
  /** Whether its result may answer the same request again. */
  readonly cacheable?: boolean | undefined
  /** What is found of its target belongs to the approver: no action of the same plan may change it. */
  readonly sealed?: boolean | undefined
  /** The inputs that name what it changes: paths of the workspace, or other names. Absent: it may change anything. */
  readonly touches?:
    | { readonly paths?: readonly string[] | undefined; readonly names?: readonly string[] | undefined }
    | undefined
  /** The level of approval that it needs where no rule of the policy names it. Absent: that of its effect. */
  readonly level?: { readonly level: 0 | 1 | 2 | 3; readonly why: string } | undefined
}

export interface KindFacts extends PolicyFacts {
  /** What it is for, in a sentence for a model. */
  readonly about: string
  /** The types of target in execution.yaml that `input.target` may name. Absent: it has no target. */
  readonly targets?: readonly string[]
  /** Whether its paths are relative to a workspace. */
  readonly in_workspace?: true
  /** No executor does it: it waits for a decision, which the orchestrator takes. */
  readonly held_by?: 'person' | 'organization'
  /** The input that names the release that it deploys, as an image. */
  readonly release?: string
  /** What no two actions of this kind may use at a time. */
  readonly exclusive?: 'target' | 'workspace'
  /** Whether it takes milliseconds, and the executor makes it alongside others: it waits for no other effect. */
  readonly short?: true
  /** How long one action is expected to take with its observation, in milliseconds. */
  readonly expected_ms: number
  /** What a model gives; absent for kinds that no model plans. */
  readonly input?: z.ZodObject
  /** A model is offered it only for a task with such words. Absent: for every task. */
  readonly words?: RegExp
  /** What a model's input becomes. Absent: it is the action's. */
  readonly planned?: (input: JsonObject) => { input: JsonObject; verify?: Observation }
}
