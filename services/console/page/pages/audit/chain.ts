/** The audit log, read page by page: recomputed, or as lines to keep elsewhere. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'

type Verified = Output<'audit.verify'>

const VERIFY_PAGE = 1_000
const EXPORT_PAGE = 100
/** A browser holds the whole file; more than this is for the command line. */
const EXPORT_BYTES_MAX = 200_000_000

export interface Verification
  extends Pick<Verified, 'executions' | 'rows' | 'anchors' | 'anchor' | 'broken' | 'broken_anchor'> {
  /** Every chain was read, or the first fault was found. */
  readonly ended: boolean
}

/** @param page the next answer */
export function added(before: Verification | undefined, page: Verified): Verification {
  const { executions, rows, anchors, anchor, broken, broken_anchor } = page
  return {
    executions: executions + (before?.executions ?? 0),
    rows: rows + (before?.rows ?? 0),
    anchors: anchors + (before?.anchors ?? 0),
    anchor: before?.anchor ?? anchor,
    broken,
    broken_anchor,
    ended: broken !== null || broken_anchor !== null || page.next_cursor === null,
  }
}

/** @param onPage is told what is known so far */
export async function verify(
  executionId: string | undefined,
  signal: AbortSignal,
  onPage: (so: Verification) => void,
): Promise<void> {
  const of = executionId === undefined ? {} : { execution_id: executionId }
  let cursor: string | null = null
  let so: Verification | undefined
  do {
    const page: Verified = await call(
      'audit.verify',
      { ...of, limit: VERIFY_PAGE, ...(cursor === null ? {} : { cursor }) },
      { signal },
    )
    so = added(so, page)
    cursor = page.next_cursor
    onPage(so)
  } while (!so.ended)
}

/** @returns lines of JSON, one a row @throws {Error} if it is too long for a browser */
export async function exportLines(
  executionId: string | undefined,
  signal: AbortSignal,
  onRows: (rows: number) => void,
): Promise<string[]> {
  const of = executionId === undefined ? {} : { execution_id: executionId }
  const parts: string[] = []
  let [rows, size] = [0, 0]
  for (let after: string | null | undefined; after !== null; ) {
    const page: Output<'audit.export'> = await call(
      'audit.export',
      { ...of, limit: EXPORT_PAGE, ...(after === undefined ? {} : { after }) },
      { signal },
    )
    const part = page.rows.map((row) => `${JSON.stringify(row)}\n`).join('')
    parts.push(part)
    rows += page.rows.length
    size += part.length
    if (size > EXPORT_BYTES_MAX)
      throw new Error('The log is too long for a browser. Use: deed audit export > audit.jsonl')
    onRows(rows)
    after = page.next_after
  }
  return parts
}
