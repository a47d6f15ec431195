/** Facts that several roles read, always under the same names. */
import { listAlerts } from '@deed/proto/alert'
import { analyzeCodebase } from '@deed/proto/code'
import { executionStats, listExecutions } from '@deed/proto/execution'
import { listAllocations } from '@deed/proto/organization-work'
import { listWorkers } from '@deed/proto/worker'
import type { z } from 'zod'
import type { Work } from './role-tool.ts'

const PAGE = 500
const PAGES_MAX = 4

export const readStats = ({ read }: Work, since: string) =>
  read(
    executionStats,
    { since },
    {
      executions: ({ total }) => total,
      running: ({ running }) => running,
      success_rate: (found) => found.success_rate,
      verification_rate: (found) => found.verification_rate,
      rollback_rate: (found) => found.rollback_rate,
      cache_hit_rate: (found) => found.cache_hit_rate,
      p95_ms: (found) => found.p95_ms,
      cost_usd: (found) => found.cost_usd,
    },
  )

export const readAlerts = ({ read }: Work) =>
  read(
    listAlerts,
    {},
    {
      alerts_firing: ({ alerts }) => alerts.filter(({ state }) => state === 'firing').length,
      no_open_incidents: ({ alerts }) =>
        !alerts.some(({ state, severity }) => state === 'firing' && severity === 'critical'),
    },
  )

/** Of the default workspace. */
export const readCode = ({ read }: Work) =>
  read(
    analyzeCodebase,
    { limit: 50 },
    {
      files: ({ index }) => index.files,
      files_not_yet_read: ({ index }) => index.stopped?.left ?? 0,
      code_lines: ({ lines }) => lines,
      parts: ({ parts }) => parts.length,
      cycles_of_parts: ({ cycles }) => cycles.length,
      test_files: ({ tests }) => tests.files,
      complexity: ({ complexity }) => complexity.total,
      files_not_parsed_whole: ({ broken }) => broken.files,
    },
  )

/** How many files of the default workspace import a package of this name. */
export async function readUsage(work: Work, name: string): Promise<void> {
  const found = await work.read(analyzeCodebase, { limit: 50 }, { files: ({ index }) => index.files })
  const used = found?.packages.find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (found)
    work.fact(
      'own_usage',
      used?.files ?? 0,
      `analyze.codebase: files that import a package named ${name}, of the 50 most used`,
    )
}

export const readWorkers = ({ read }: Work) =>
  read(
    listWorkers,
    { limit: PAGE },
    {
      workers: ({ workers }) => workers.length,
      slots: ({ workers }) => workers.reduce((sum, { slots }) => sum + slots, 0),
      slots_used: ({ workers }) => workers.reduce((sum, { running }) => sum + running, 0),
      services_answering: ({ services }) => new Set(services.map(({ service }) => service)).size,
    },
  )

export const readMoney = ({ read }: Work) =>
  read(
    listAllocations,
    {},
    {
      total_usd: ({ total }) => total.amount,
      unallocated_usd: ({ total }) => Math.max(0, Math.round((total.amount - total.allocated) * 100) / 100),
    },
  )

export type Listed = z.output<typeof listExecutions.output>['executions'][number]

/** As many as 2,000 of a window, newest first; a fact says how many were read. */
export async function readExecutions(
  { ask, fact }: Work,
  asked: Omit<z.input<typeof listExecutions.input>, 'limit' | 'cursor'>,
  name = 'executions_read',
): Promise<Listed[]> {
  const found: Listed[] = []
  let cursor: z.input<typeof listExecutions.input>['cursor']
  for (let page = 0; page < PAGES_MAX; page++) {
    const { executions, next_cursor: next } = await ask(listExecutions, {
      ...asked,
      limit: PAGE,
      ...(cursor && { cursor }),
    })
    found.push(...executions)
    if (next === null) break
    cursor = next
  }
  const window = Object.entries(asked).map(([key, value]) => ` ${key}=${value}`)
  fact(name, found.length, `execution.list${window.join('')}, at most ${PAGE * PAGES_MAX}`)
  return found
}

/** @param part 0 to 1 @returns null of none */
export function quantile(values: readonly number[], part: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null
}

/** How many there are of each, most first. */
export function countBy<T>(items: readonly T[], keyOf: (item: T) => string): [key: string, count: number][] {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return [...counts].toSorted(([, a], [, b]) => b - a)
}
