/** What a mesh is at, on one screen. */
import { counted } from '@deed/config/counted'
import type { ApprovalView } from '@deed/proto/approval'
import type { ExecutionStats, listExecutions } from '@deed/proto/execution'
import type { Sample } from '@deed/proto/metric-samples'
import { EXECUTION_STATUSES, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { z } from 'zod'
import { age, duration } from '../terminal/amounts.ts'
import { type Paint, paintStatus } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'
import { oldestApproval, sumOf } from './samples.ts'

export interface Reading {
  readonly at: string
  readonly samples: readonly Sample[]
  /** Of the executions that were accepted within the last minute. */
  readonly stats: ExecutionStats
  /** The newest ones that wait for a person. */
  readonly approvals: readonly Pick<ApprovalView, 'approval_id' | 'task' | 'level' | 'expires_at'>[]
  /** The newest executions that failed. */
  readonly failures: z.output<typeof listExecutions.output>['executions']
}

const OPEN = EXECUTION_STATUSES.filter((status) => !FINAL_EXECUTION_STATUSES.has(status))
const CAPABILITIES = ['act', 'solve'] as const
const LABEL_CHARS = 14

/** Counts are whole numbers, times are seconds, but for those that end in `_ms`. */
export function topDocument({ at, samples, stats, approvals, failures }: Reading) {
  const sum = sumOf(samples)
  const workers = CAPABILITIES.map((capability) => [
    capability,
    {
      busy: sum('deed_worker_slots', { capability, state: 'busy' }),
      free: sum('deed_worker_slots', { capability, state: 'free' }),
    },
  ])
  return {
    at,
    open: Object.fromEntries(OPEN.map((status) => [status, sum('deed_open_executions', { status })])),
    last_minute: {
      accepted: stats.total,
      by_status: stats.by_status,
      p50_ms: stats.p50_ms,
      p95_ms: stats.p95_ms,
    },
    workers: Object.fromEntries(workers) as Record<(typeof CAPABILITIES)[number], { busy: number; free: number }>,
    ready: { tasks: sum('deed_tasks_ready'), oldest_seconds: sum('deed_oldest_ready_seconds') },
    people: {
      executions: sum('deed_open_executions', { status: 'waiting' }),
      oldest_approval_seconds: oldestApproval(samples),
      reviews: sum('deed_reviews_open'),
      approvals: approvals.map(({ approval_id, task, level, expires_at }) => ({
        approval_id,
        task,
        level,
        expires_at,
      })),
    },
    stuck: sum('deed_executions_stuck'),
    alerts: sum('deed_alerts_open'),
    failures,
  }
}

/** Lines no wider than `width`. @param fault why the figures are old; undefined: they are new */
export function topScreen(reading: Reading, width: number, paint: Paint, fault?: string): string[] {
  const now = Date.parse(reading.at)
  const { at, open, last_minute: minute, workers, ready, people, stuck, alerts, failures } = topDocument(reading)
  const line = (label: string, text: string): string =>
    `${paint('dim', label.padEnd(LABEL_CHARS))}${plainLine(text, width - LABEL_CHARS)}`
  const counts = (of: Record<string, number>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  const time = (ms: number | null): string => (ms === null ? '-' : duration(ms))
  const slots = ({ busy, free }: { busy: number; free: number }): string => `${busy} busy, ${free} free`
  const title = `Deed at ${at.slice(11, 19)} UTC`
  return [
    fault === undefined
      ? paint('bold', title)
      : paint('red', plainLine(`${title}, since then no answer: ${fault}`, width)),
    '',
    line('executions', counts(open)),
    line('last minute', `${minute.accepted} accepted${prefixed(counts(minute.by_status))}`),
    line('', `p50 ${time(minute.p50_ms)}, p95 ${time(minute.p95_ms)}`),
    line('workers', `${slots(workers.act)} to act; ${slots(workers.solve)} to solve`),
    line(
      'ready',
      `${counted(ready.tasks, 'task')}${ready.tasks > 0 ? `, oldest ${seconds(ready.oldest_seconds)}` : ''}`,
    ),
    line('trouble', `${counted(alerts, 'alert')}, ${counted(stuck, 'stuck execution')}`),
    '',
    line(
      'for people',
      `${counted(people.executions, 'execution')}, ${counted(people.reviews, 'review')}${people.oldest_approval_seconds > 0 ? `, oldest approval ${seconds(people.oldest_approval_seconds)}` : ''}`,
    ),
    ...people.approvals.map(({ approval_id: id, task, level }) => {
      const before = `  ${shownId(id, width)}  level ${level}  `
      return `${before}${plainLine(task, width - before.length)}`
    }),
    '',
    line('failed', failures.length === 0 ? 'nothing lately' : `the newest ${failures.length}`),
    ...failures.map(({ execution_id: id, status, finished_at: ended, task }) => {
      const before = `  ${shownId(id, width)}  ${(ended === null ? '' : age(ended, now)).padStart(6)}  `
      const named = status.padEnd(FAILED_CHARS)
      return `${before}${paintStatus(paint, named)}  ${plainLine(task, width - before.length - named.length - 2)}`
    }),
  ]
}

const FAILED_CHARS = 'failed'.length
const prefixed = (text: string): string => (text === '' ? '' : `: ${text}`)
const seconds = (amount: number): string => duration(amount * 1_000)
