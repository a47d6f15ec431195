/** What is wrong, and who waits: one line each, the worst first. Pure. */
import type { Output } from '../../app/contracts.ts'
import { urlOf } from '../../app/router.ts'
import type { Meaning } from '../../text/status-words.ts'
import { count, counted } from '../../text/times.ts'

export interface Concern {
  readonly meaning: Extract<Meaning, 'bad' | 'wait'>
  readonly text: string
  readonly href: string
  /** Since when, in milliseconds since 1970; of several, the oldest. */
  readonly since?: number | undefined
}

export interface World {
  readonly alerts?: Output<'alert.list'>['alerts'] | undefined
  readonly inbox?: Output<'approval.list'> | undefined
  /** Of the last hour. */
  readonly lately?: Output<'execution.stats'> | undefined
  readonly services?: Output<'worker.list'>['services'] | undefined
}

/** Those without which the mesh does not work, in the order of a request. */
export const NEEDED = [
  'orchestrator',
  'hybrid-agent',
  'executor',
  'task-decomposer',
  'template-optimizer',
  'organization',
  'semantic-cache',
] as const

export function concernsOf({ alerts = [], inbox, lately, services }: World): Concern[] {
  return [...awayServices(services), ...firing(alerts), ...failures(lately), ...waiting(inbox)]
}

function awayServices(services: World['services']): Concern[] {
  if (services === undefined) return []
  const away = NEEDED.filter((name) => !services.some(({ service }) => service === name))
  if (away.length === 0) return []
  const text = `${away.join(', ')} ${away.length === 1 ? 'does' : 'do'} not answer`
  return [{ meaning: 'bad', text, href: '/agents' }]
}

function firing(alerts: NonNullable<World['alerts']>): Concern[] {
  return alerts
    .filter(({ state, silenced }) => state === 'firing' && !silenced)
    .toSorted((a, b) => RANK[a.severity] - RANK[b.severity])
    .map(({ severity, name, summary, since }) => ({
      meaning: severity === 'critical' ? 'bad' : 'wait',
      text: `${name}: ${summary}`,
      href: '/doctor',
      since: Date.parse(since),
    }))
}

const RANK = { critical: 0, warning: 1, info: 2 } as const

function failures(lately: World['lately']): Concern[] {
  if (!lately) return []
  const of = (status: 'failed' | 'rollback_failed', words: string): Concern[] => {
    const found = lately.by_status[status] ?? 0
    const href = urlOf('/executions', { status, since: '1h' })
    return found > 0 ? [{ meaning: 'bad', text: `${counted(found, 'execution')} ${words} in the last hour`, href }] : []
  }
  return [...of('rollback_failed', 'could not be undone'), ...of('failed', 'failed')]
}

function waiting(inbox: World['inbox']): Concern[] {
  if (!inbox) return []
  const concern = (kind: string, found: readonly { asked_at: string }[], words: string, open: boolean): Concern[] => {
    if (found.length === 0) return []
    const since = Math.min(...found.map(({ asked_at: at }) => Date.parse(at)))
    return [
      {
        meaning: 'wait',
        text: `${count(found.length)}${open ? '+' : ''} ${words}`,
        href: urlOf('/inbox', { kind }),
        since,
      },
    ]
  }
  const { approvals, tasks, next_cursor, next_tasks_cursor } = inbox
  const level = Math.max(0, ...approvals.map((one) => one.level))
  const plural = (found: readonly unknown[], one: string, many: string): string => (found.length === 1 ? one : many)
  const of = (kind: 'choose' | 'review' | 'provide'): typeof tasks => tasks.filter((task) => task.kind === kind)
  const more = next_tasks_cursor !== null
  return [
    ...concern(
      'approve',
      approvals,
      `${plural(approvals, 'approval waits', 'approvals wait')}, up to level ${level}`,
      next_cursor !== null,
    ),
    ...concern('choose', of('choose'), plural(of('choose'), 'question waits', 'questions wait'), more),
    ...concern('review', of('review'), plural(of('review'), 'review waits', 'reviews wait'), more),
    ...concern(
      'provide',
      of('provide'),
      plural(of('provide'), 'task waits for a person', 'tasks wait for a person'),
      more,
    ),
  ]
}
