/** wait.until: looks until an observation holds, and changes nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { Observation } from '@deed/proto/observation'
import { z } from 'zod'
import type { Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { noteFor } from './noted.ts'
import { observeOnce } from './observe.ts'

const Input = z.strictObject({
  observation: Observation,
  /** The deadline, in milliseconds from the first observation. It must leave time for a last one before the action's own. */
  within_ms: z.int().min(1).max(86_400_000).default(30_000),
})
export type WaitUntil = z.output<typeof Input>

const POLL_MS_MIN = 50
const POLL_MS_MAX = 2_000

export const waitUntil: Kind<WaitUntil> = {
  ...readingOnly,
  name: 'wait.until',
  version: 1,
  waits: true,
  input: Input,
  example: { observation: { kind: 'http', target: 'status-page', path: '/ready', status: 200 }, within_ms: 30_000 },
  summary: ({ observation, within_ms }) => `wait up to ${within_ms} ms until ${wordsOf(observation)}`,
  mayHoldAlready: () => true,
  async before({ observation, within_ms }, context) {
    const { action } = context
    if (within_ms >= action.timeout_ms)
      throw new DeedError('out_of_range', `within_ms must be less than the action's timeout of ${action.timeout_ms} ms`)
    if (hasNoWorld(observation))
      throw new DeedError(
        'invalid_request',
        'exit_code, same_again, answers_again, asked_once and own_observation are of an action, and this one does nothing',
      )
    const noted = await noteFor(observation, context)
    return { state: 'waiting', ...(noted ? { noted } : {}) }
  },
  postcondition: ({ observation }) => observation,
  async execute({ observation, within_ms }, context, before) {
    const begun = performance.now()
    const waited = () => Math.round(performance.now() - begun)
    for (let waitMs = POLL_MS_MIN, observations = 1; ; waitMs = Math.min(waitMs * 1.5, POLL_MS_MAX), observations++) {
      const { outcome } = await observeOnce(observation, context, { before })
      const leftMs = within_ms - waited()
      if (outcome === 'verified' || leftMs <= 0 || context.signal.aborted) {
        const text = `looked ${counted(observations, 'time')} in ${waited()} ms`
        return {
          claimed: text,
          result: { text, data: { observations, waited_ms: waited(), held: outcome === 'verified' } },
        }
      }
      await sleep(Math.min(waitMs, leftMs), undefined, { signal: context.signal }).catch(() => undefined)
    }
  },
}

const hasNoWorld = (observation: Observation): boolean =>
  'of' in observation
    ? observation.of.some(hasNoWorld)
    : ['exit_code', 'same_again', 'answers_again', 'asked_once', 'own_observation'].includes(observation.kind)

function wordsOf(observation: Observation): string {
  if (!('of' in observation)) return `the observation ${JSON.stringify(observation)} holds`
  return `${observation.kind} of ${observation.of.length} observations holds`
}
