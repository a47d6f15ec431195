/** Executions over time. */
import { z } from 'zod'
import { request } from './contract.ts'
import { executionStats } from './execution.ts'

/** Minutes are kept for two days, hours for two months. */
export const HISTORY_PERIODS = ['minute', 'hour', 'day', 'month'] as const
/** A day in minutes. */
export const HISTORY_POINTS_MAX = 1_440

/** `execution.stats` over time: one point for each period in which an execution was accepted. */
export const executionHistory = request({
  subject: 'execution.history',
  owner: 'orchestrator',
  summary: 'How many executions there were, how long they took, and what they cost, over time.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({
    period: z.enum(HISTORY_PERIODS).default('minute'),
    /** The number of periods, up to the current one. */
    points: z.int().min(1).max(HISTORY_POINTS_MAX).default(60),
  }),
  output: z.object({
    /** The time of the orchestrator's database. */
    now: z.iso.datetime(),
    /** Oldest first; periods without executions are left out. */
    points: z.array(
      executionStats.output
        .pick({
          total: true,
          by_status: true,
          by_method: true,
          cost_by_method: true,
          average_ms: true,
          p95_ms: true,
          tokens_used: true,
          cost_usd: true,
        })
        .extend({ start: z.iso.datetime() }),
    ),
  }),
})
