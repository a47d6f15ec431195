/** Whether an execution's audit rows are those that were written: recomputed from the first to the head. */
import { chainedHash } from '../execution/audit-chain.ts'
import type { Chain } from '../store/audit-log.ts'

/** @returns the first row that was changed; undefined if there is none */
export function brokenAt({
  execution_id,
  audit_seq,
  audit_hash,
  rows,
}: Chain): { seq: number; why: string } | undefined {
  let head = ''
  for (const [index, row] of rows.entries()) {
    const seq = index + 1
    if (row.seq !== seq) return { seq, why: `row ${seq} is missing` }
    const { type, task_id, data, hash } = row
    const at = new Date(row.at).toISOString()
    const expected = chainedHash(head, { execution_id, seq, type, at, task_id, data })
    if (hash !== expected) return { seq, why: `row ${seq} or its hash was changed` }
    head = hash
  }
  if (rows.length < audit_seq) return { seq: rows.length + 1, why: `rows after ${rows.length} are missing` }
  if (head !== audit_hash) return { seq: rows.length, why: `row ${rows.length} is not the head in the execution's row` }
  return undefined
}
