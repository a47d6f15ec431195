/** What a task may take and put at stake, read off its words: for the reader, and for the order of work. */
import type { GoalNode } from '@deed/proto/task'
import { imperative, looks } from './imperatives.ts'

/** Rough times of one action that ends by itself, in milliseconds. */
const LOOK_MS = 1_000
const CHANGE_MS = 5_000
const CREATE_MS = 20_000
const ROLLOUT_MS = 120_000

const CREATES = new Set(
  'build create design develop document draft generate implement migrate refactor rewrite scaffold test write'.split(
    ' ',
  ),
)
const ROLLOUTS = new Set('deploy promote provision redeploy release rollback scale ship upgrade'.split(' '))
const QUESTION = /^(?:how|what|which|who|where|why|when|is|are|do|does)\b/i
const GRAVE =
  /\b(?:delete|drop|destroy|wipe|erase|truncate|purge|revoke|terminate|production|prod|security|firewall|credentials?)\b/i

export type Estimate = Pick<GoalNode, 'estimated_ms' | 'estimated_cost_usd' | 'risk'>

export function estimate(text: string): Estimate {
  const verb = imperative(text)
  if (verb === undefined ? QUESTION.test(text) : looks(verb))
    return { estimated_ms: LOOK_MS, estimated_cost_usd: 0, risk: 'low' }
  const risk = GRAVE.test(text.slice(0, 2_000)) ? 'high' : verb !== undefined && CREATES.has(verb) ? 'low' : 'medium'
  return { estimated_ms: durationMs(verb), estimated_cost_usd: 0, risk }
}

function durationMs(verb: string | undefined): number {
  if (verb === undefined) return CHANGE_MS
  if (ROLLOUTS.has(verb)) return ROLLOUT_MS
  return CREATES.has(verb) ? CREATE_MS : CHANGE_MS
}
