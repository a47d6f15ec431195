/**
 * Kinds of action that somebody else on the mesh provides: observed, done and taken back by requests to the provider
 * of the kind. What is met, the intent and the outcome are kept here, as for any kind.
 */
import type { Bus } from '@deed/mesh/bus'
import type { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { defined, JsonObject } from '@deed/proto/json'
import {
  compensateProvided,
  executeProvided,
  type ObservedProvided,
  observeProvided,
  provided,
} from '@deed/proto/provider'
import { type After, type Before, type Context, type Kind, OBSERVE_ONLY } from '../kind/kind.ts'

/** The mesh, as far as a kind of somebody else needs it. */
export type Caller = Pick<Bus, 'call'>

export type ProvidedBefore = Before & {
  /** What the provider wants to know again. */
  known?: JsonObject
}

/**
 * The kind, as its provider describes it for this action.
 *
 * @throws {DeedError} what the provider refuses; `unavailable` when nobody answers
 */
export async function providedKind(action: Action, bus: Caller): Promise<Kind<JsonObject, ProvidedBefore, After>> {
  const { kind: name, kind_version: version } = action
  const about = ({ actionId, action: { input } }: Pick<Context, 'actionId' | 'action'>) => ({
    kind: name,
    kind_version: version,
    action_id: actionId,
    input,
  })
  const askProvider = (context: Pick<Context, 'actionId' | 'action'>, before?: ProvidedBefore, after?: After) =>
    bus.call(
      provided(observeProvided, name),
      { ...about(context), ...(before ? { stored: storedOf(before, after) } : {}) },
      { patient: false },
    )
  const facts = await askProvider({ actionId: OBSERVE_ONLY, action })
  const { provider } = facts
  return {
    name,
    version,
    provided: true,
    resolves: () => ({ provider }),
    // What it may be is for its provider to say, which has already seen it.
    input: JsonObject,
    idempotent: facts.idempotent,
    example: {},
    effectOf: () => facts.effect,
    summary: () => facts.summary,
    reversibility: () => facts.reversibility,
    postcondition: () => ({ kind: 'own_observation' }),
    async before(_input, context) {
      const { state, known } = await askProvider(context)
      return { state, ...defined({ known }) }
    },
    async observe(_input, context, before, effect) {
      const { outcome, observed, facts } = await askProvider(context, before, effect?.after)
      return { outcome, observed, ...defined({ facts }) }
    },
    async execute(_input, context, before) {
      context.begin()
      const { claimed, result, after } = await bus
        .call(
          provided(executeProvided, name),
          { ...about(context), stored: storedOf(before, undefined) },
          { timeoutMs: action.timeout_ms, signal: context.signal, patient: false },
        )
        .catch((error: unknown) => {
          if (error instanceof DeedError && error.details?.nothing_done === true) context.nothingDone()
          throw error
        })
      return { claimed, result, ...defined({ after }) }
    },
    async compensate(_input, context, before, after) {
      context.begin()
      const stored = storedOf(before, after)
      const { claimed } = await bus.call(
        provided(compensateProvided, name),
        { ...about(context), stored },
        { timeoutMs: action.timeout_ms, signal: context.signal, patient: false },
      )
      return claimed
    },
    async targetState(_input, context, before, after) {
      const { at, observed, facts } = await askProvider(context, before, after)
      return { at, observed, ...defined({ facts }) }
    },
    ...environmentOf(facts),
  }
}

const environmentOf = ({ environment }: ObservedProvided) =>
  environment === undefined ? {} : { environment: () => environment }

const storedOf = ({ known }: ProvidedBefore, after: After | undefined) => ({
  ...defined({ known, after }),
})
