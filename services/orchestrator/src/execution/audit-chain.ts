/** The hash chain of an execution's audit log: each row's hash covers the one before it. */
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import type { EventType } from '@deed/proto/execution'
import type { ExecutionId, TaskId } from '@deed/proto/ids'

interface Chained {
  execution_id: ExecutionId
  /** From 1. */
  seq: number
  type: EventType
  at: string
  task_id: TaskId | null
  data: unknown
}

/** @param before the hash of the row before; of the first row, the empty text */
export const chainedHash = (before: string, row: Chained): string => sha256(before + canonicalJson(row))
