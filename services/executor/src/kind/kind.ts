/**
 * What a kind of action is: how it looks, acts, is seen to have acted, and is undone.
 *
 * A kind reads the world before it acts and gives back what its compensation needs. That is stored with the intent,
 * before the effect, and is what every later attempt and the undo go by.
 */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Bus } from '@deed/mesh/bus'
import type { Action, ActionResult, EffectClass, Facts, Reversibility } from '@deed/proto/action'
import type { ActionId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { Observation } from '@deed/proto/observation'
import type { z } from 'zod'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Blobs } from '../workspace/blobs.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { Databases } from './databases.ts'
import type { Seen } from './seen.ts'

/** States before the action by what they are of: `file:<path>`, `service:<target>`. */
export type Noted = Record<string, string>

/** The target as it was before the first intent. */
export type Before = JsonObject & {
  /** In a few characters: `absent`, `sha256:<hex>`, `dir`, `stopped`, `running:<pid>:<start time>`. */
  state: string
  /** What else the postcondition compares with. */
  noted?: Noted
  /** It reads what may be asked for only once: no attempt asks for it again. */
  once?: true
  /** The caller's proof held before the effect, so that it proves nothing of it. */
  held?: true
}

/** The target as the effect left it. */
export type After = JsonObject

/** What this executor knows about the world; the same for all actions. */
export interface World {
  readonly config: ExecutionConfig
  /** The environment that `url_env` names variables of. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute; snapshots and logs lie here. It also names this installation of Deed among others on the machine. */
  readonly dataFolder: string
  /** Absolute paths that no action writes to. */
  readonly protectedFiles: readonly string[]
  readonly blobs: Blobs
  readonly sandbox: Sandbox
  readonly databases: Databases
  /** By which kinds of somebody else are reached; absent: there are none. */
  readonly mesh?: Pick<Bus, 'call'>
}

/** The id of no action: somebody only looks. */
export const OBSERVE_ONLY = '00000000-0000-0000-0000-000000000000' as ActionId

/** One attempt, as its kind sees it. */
export interface Context {
  readonly world: World
  /** `ONLY_LOOKING` where there is no attempt. */
  readonly actionId: ActionId
  readonly action: Action
  /** Actions of the same plan that come before it, where they are inspected together. */
  readonly earlier?: readonly Action[]
  /** @throws {DeedError} when the action's workspace is not one */
  readonly workspace: Workspace
  /** Aborts when the attempt has lost its right to act, or its time is up. */
  readonly signal: AbortSignal
  /**
   * To be called directly before the world is changed: from then on the effect is in doubt until it is seen.
   *
   * @throws {DeedError} `lease_lost`, `cancelled` when the attempt may not act any more
   */
  begin(): void
  /** Says that what began has left no trace. */
  nothingDone(): void
  /** Says what was begun has left, for the case that it ends with an error. */
  left(after: After): void
  /** @throws {DeedError} `lease_lost`, `cancelled` when the attempt may not act any more */
  checkRight(): void
  /**
   * Ends what is left in the workspace of commands whose attempts ended without a report, and observes
   * what that is, before this action changes anything.
   */
  resolveAbandoned(): Promise<void>
  /**
   * What other actions have written, or may have, since this one looked at what was there before it: paths below the root of
   * the workspace, with the folders above them. What an action finds changed there is not its own.
   */
  writtenByOthers(): Promise<ReadonlySet<string>>
  /** What the very same action met when it last had an effect, unless that was undone. */
  doneBefore(): Promise<Before | undefined>
}

/** What is needed to observe what an abandoned attempt has left. */
export type Around = Pick<Context, 'world' | 'workspace' | 'writtenByOthers'>

/** What a kind says it did. Nothing here counts as proof. */
export interface Effect {
  /** In a sentence. */
  readonly claimed: string
  readonly result: ActionResult
  /** What the undo needs to know about the state after; and what tells somebody else's change from this one. */
  readonly after?: After
  readonly exitCode?: number | undefined
  /** The end of what a program has printed, without secrets: told where the postcondition does not hold. */
  readonly printed?: string | undefined
  readonly facts?: JsonObject
}

/** Where the target is, compared with what an attempt met and left. */
export interface TargetState {
  readonly at: 'before' | 'after' | 'elsewhere' | 'unknown'
  readonly observed: string
  readonly facts?: JsonObject
  /** Where somebody has changed it since: what had been there before the action, as far as it is kept. */
  readonly kept?: readonly Snapshot[]
}

export interface Snapshot {
  readonly path: string
  /** Under which its bytes are kept. */
  readonly sha256: string
}

/** A second reading; `result` is the newer one where the two differ. */
export interface Again extends Seen {
  /** Whether it says what the first one said. */
  readonly same: boolean
  readonly result?: ActionResult
}

export interface Kind<Input extends object = JsonObject, State extends Before = Before, Left extends After = After> {
  readonly name: string
  readonly version: number
  /** Strict: an argument that is not known is refused. */
  readonly input: z.ZodType<Input>
  /** Whether running it twice has the same effect as running it once. */
  readonly idempotent: boolean
  readonly example: JsonObject
  /** It hardly does more than wait, for others or for the disk, so it takes none of the few places for effects. */
  readonly waits?: true
  /** Its postcondition is the action's `verify` where there is one, and not its own as well. */
  readonly takesVerify?: boolean
  /** Its postcondition is a proof that its input brings. */
  readonly takesProof?: true
  /** Where the caller's proof holds before the effect, something else proves the effect. Absent: the effect is refused then. */
  readonly provesBesides?: true
  /** @param before absent where nobody has looked yet */
  effectOf(input: Input, world: World, before?: State): EffectClass
  /** What it would do, in a sentence. @param before absent, as `world`, in a list of kinds: no target is meant there */
  summary(input: Input, before?: State, world?: World): string
  /**
   * Reads the target, and keeps what the compensation needs. Changes nothing.
   *
   * @throws {DeedError} when the action asks for what cannot be
   */
  before(input: Input, context: Context): Promise<State>
  /**
   * For an inspection: finds, without changing anything, what the effect would be refused for by the system under it.
   *
   * @throws {DeedError} that says so
   */
  refuse?(input: Input, context: Context, before: State): void | Promise<void>
  reversibility(input: Input, before: State): Reversibility
  /** Of one that is irreversible because of what was met: what, in a sentence, for the approver. */
  irreversibleBecause?(before: State): string | undefined
  /** What holds afterwards. */
  postcondition(input: Input, before: State, action: Action): Observation
  /** Whether what was read leaves it possible that the postcondition holds already. Absent: it does. */
  mayHoldAlready?(input: Input, before: State): boolean
  /** Where the caller's proof holds beforehand: whether nothing is left to do, as far as the kind sees. Absent: it cannot see that. */
  nothingLeft?(input: Input, before: State, action: Action): boolean
  execute(input: Input, context: Context, before: State): Promise<Effect>
  /** Brings the state before back. @returns what it did, in a sentence */
  compensate(input: Input, context: Context, before: State, after: Left | undefined): Promise<string>
  targetState(input: Input, context: Context, before: State, after: Left | undefined): Promise<TargetState>
  /**
   * What an attempt has left that died before it could say so. Absent: `targetState` and `compensate` need not know.
   *
   * @param until when the attempt was surely over, in milliseconds since 1970; `undefined`: nothing was begun
   * @returns `undefined` where it cannot be known
   */
  leftBehind?(input: Input, around: Around, before: State, until: number | undefined): Promise<Left | undefined>
  /**
   * Looks whether the postcondition holds, by other means than `execute` has; for `own_observation`.
   *
   * @param effect absent before it, and for one of an earlier attempt
   */
  observe?(input: Input, context: Context, before: State, effect?: Effect): Promise<Seen>
  /** Reads again by fresh means, for `same_again` and `answers_again`. */
  again?(input: Input, context: Context, effect: Effect): Promise<Again>
  /** What confines the program of the host that it starts, by the sandbox's name; absent: it starts none. */
  confinement?(input: Input, world: World): string | undefined
  /** It is somebody else's: its input names no targets of execution.yaml. */
  readonly provided?: true
  /**
   * What its names mean that execution.yaml does not say: the file of a program, the image of a container. Changes nothing.
   *
   * @throws {DeedError} where it cannot be found out
   */
  resolves?(input: Input, world: World, signal: AbortSignal): Facts | Promise<Facts>
  /** How the files are that its arguments name. An approval is bound to them instead of to the state of the target. */
  namedFiles?(input: Input, context: Pick<Context, 'workspace' | 'world'>): Facts
  /** The label of the target's environment. */
  environment?(input: Input, world: World): string | undefined
  /** For an inspection: a unified diff, where the target is text. */
  diff?(input: Input, context: Context, before?: State): string | undefined
}

export const notedFile = (path: string) => `file:${path}`
export const notedService = (target: string) => `service:${target}`
