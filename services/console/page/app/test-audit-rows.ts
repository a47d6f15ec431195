/** Audit rows for tests, numbered from 1. */
import type { AuditRow, EventType } from '@deed/proto/execution'
import type { JsonObject } from '@deed/proto/json'

export const EXECUTION = '0194a000-7000-7abc-8def-000000000000'
export const TASK = '0194a000-7000-7abc-8def-000000000001'
/** In milliseconds since 1970. */
export const START = Date.UTC(2026, 0, 1)

export const at = (second: number): string => new Date(START + second * 1_000).toISOString()

export const rowsOf = (
  ...given: [second: number, type: EventType, task?: string | undefined, data?: JsonObject][]
): AuditRow[] =>
  given.map(
    ([second, type, task, data = {}], index) =>
      ({
        execution_id: EXECUTION,
        seq: index + 1,
        type,
        at: at(second),
        data,
        ...(task ? { task_id: task } : {}),
      }) as AuditRow,
  )
