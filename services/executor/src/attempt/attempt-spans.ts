/** The spans of an attempt: what was done and claimed, what was observed, what was undone. */
import { TASK_ID } from '@deed/telemetry/names'
import { inSpan, type SpanOptions } from '@deed/telemetry/span'
import type { Effect } from '../kind/kind.ts'
import type { Seen } from '../kind/seen.ts'
import type { Attempt } from './attempt.ts'
import type { Conclusion } from './conclusion.ts'

type Traced = Pick<Attempt, 'work' | 'trace'>

/** `act <kind>`: the effect, with its claim. */
export const traceAct = (attempt: Traced, execute: () => Promise<Effect>): Promise<Effect> =>
  inSpan(`act ${attempt.work.action.kind}`, optionsOf(attempt), async (span) => {
    const effect = await execute()
    span.addEvent('claimed', { 'deed.claim': effect.claimed })
    return effect
  })

/**
 * `observe <kind>`, with what was observed. After the effect anything but `verified` is an error.
 *
 * @param observe its result is undefined if nothing was to be observed, or nothing holds yet
 */
export const traceObservation = <Found extends Seen | undefined>(
  attempt: Traced,
  when: 'before' | 'after',
  observe: () => Promise<Found>,
): Promise<Found> =>
  inSpan(`observe ${attempt.work.action.kind}`, optionsOf(attempt, { 'deed.observation.when': when }), async (span) => {
    const found = await observe()
    if (found === undefined) return found
    const { outcome, observed } = found
    span.addEvent('observed', { 'deed.observation.outcome': outcome, 'deed.observation': observed })
    if (when === 'after' && outcome !== 'verified') span.fail({ code: outcome, message: observed })
    return found
  })

/** `undo <kind>`, with what was observed after it. */
export const traceUndo = (attempt: Traced, undo: () => Promise<Conclusion>): Promise<Conclusion> =>
  inSpan(`undo ${attempt.work.action.kind}`, optionsOf(attempt), async (span) => {
    const conclusion = await undo()
    const { evidence, error } = conclusion
    if (evidence) {
      span.addEvent('claimed', { 'deed.claim': evidence.claimed })
      span.addEvent('observed', { 'deed.observation.outcome': evidence.outcome, 'deed.observation': evidence.observed })
    }
    if (error) span.fail(error)
    return conclusion
  })

const optionsOf = ({ work, trace }: Traced, more = {}): SpanOptions => ({
  parent: trace,
  attributes: { 'deed.action.kind': work.action.kind, [TASK_ID]: work.task_id, 'deed.attempt': work.token, ...more },
})
