/** Attempts at tasks, and waits for people, from the rows of the audit log. */
import type { AuditRow } from '@deed/proto/execution'

export interface Attempt {
  readonly task_id: string
  /** The fencing token; null for a wait. */
  readonly token: number | null
  readonly kind: 'do' | 'undo' | 'wait'
  /** In milliseconds since 1970. */
  readonly from: number
  /** undefined: it has not ended. */
  readonly to: number | undefined
  /** How it ended: the last part of the row's type, such as `done`, `retried`, `lease_lost`; or a person's decision. */
  readonly outcome: string | undefined
  /** Why it did not succeed, or what the person gave as the reason. */
  readonly reason: string | undefined
}

const ENDS = new Set([
  'task.done',
  'task.failed',
  'task.retried',
  'task.blocked',
  'task.cancelled',
  'task.skipped',
  'task.undone',
  'task.lease_lost',
  // Its target is not as planned, so it is planned again, and may need an approval.
  'task.replanned',
])

/** @param rows oldest first @returns in the order of their beginnings */
export const attemptsOf = (rows: readonly AuditRow[]): Attempt[] => attemptReader()(rows, rows.length)

/**
 * Reads rows that grow, each once: ten thousand tasks have so many that all of them take longer than a frame.
 *
 * @returns what is given all rows and how many of them to read, and returns the attempts up to there
 */
export function attemptReader(): (rows: readonly AuditRow[], count: number) => Attempt[] {
  const attempts: Attempt[] = []
  let done = 0
  /** Positions of what has not ended, by task; waits and work are apart. */
  const open = new Map<string, number>()
  const begin = (key: string, attempt: Omit<Attempt, 'to' | 'outcome' | 'reason'>): void => {
    open.set(key, attempts.length)
    attempts.push({ ...attempt, to: undefined, outcome: undefined, reason: undefined })
  }
  const end = (key: string, to: number, outcome: string, reason: string | undefined): void => {
    const position = open.get(key)
    const attempt = position === undefined ? undefined : attempts[position]
    if (position === undefined || !attempt) return
    open.delete(key)
    attempts[position] = { ...attempt, to, outcome, reason }
  }
  const take = ({ type, at: time, task_id: id, data }: AuditRow): void => {
    const at = Date.parse(time)
    if (type === 'execution.ended') for (const key of [...open.keys()]) end(key, at, 'ended', undefined)
    if (id === undefined) return
    const token = typeof data.token === 'number' ? data.token : null
    if (type === 'task.leased') begin(id, { task_id: id, token, kind: 'do', from: at })
    else if (type === 'task.undoing') begin(id, { task_id: id, token, kind: 'undo', from: at })
    else if (type === 'approval.requested' || type === 'person.asked' || type === 'decision.proposed') {
      begin(`wait ${id}`, { task_id: id, token: null, kind: 'wait', from: at })
    } else if (type === 'approval.decided' || type === 'person.decided' || type === 'decision.made') {
      end(`wait ${id}`, at, String(data.decision ?? data.status ?? 'decided'), textOf(data.reason))
    } else if (ENDS.has(type)) end(id, at, type.slice('task.'.length), errorText(data.error) ?? textOf(data.reason))
  }
  return (rows, count) => {
    for (const row of rows.slice(done, count)) take(row)
    done = count
    return attempts.slice()
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** An error of a task in one line. */
export function errorText(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { code?: string; message?: string }
  return code === undefined ? undefined : `${code}: ${message ?? ''}`
}
