/** Estimates the time and risk of a task from its words, for display and for the order of work. */
import type { GoalNode } from '@deed/proto/task'
import { changesNothing, imperative } from './imperatives.ts'

/** Rough durations of a single action, in milliseconds. */
const READ_MS = 1_000
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
  if (verb === undefined ? QUESTION.test(text) : changesNothing(verb))
    return { estimated_ms: READ_MS, estimated_cost_usd: 0, risk: 'low' }
  const risk = GRAVE.test(text.slice(0, 2_000)) ? 'high' : verb !== undefined && CREATES.has(verb) ? 'low' : 'medium'
  return { estimated_ms: durationMs(verb), estimated_cost_usd: 0, risk }
}

function durationMs(verb: string | undefined): number {
  if (verb === undefined) return CHANGE_MS
  if (ROLLOUTS.has(verb)) return ROLLOUT_MS
  return CREATES.has(verb) ? CREATE_MS : CHANGE_MS
}
