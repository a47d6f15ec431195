/** A long list in pages: the first one is read, the next ones as it is scrolled. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { type ResourceOptions, useResource } from '../app/resource.ts'
import { toast } from './toast.tsx'

export interface Page<Row, Cursor> {
  readonly rows: readonly Row[]
  /** Null: there are no more. */
  readonly next: Cursor | null
}

/**
 * @param key names the list: with another key it begins again
 * @param read is given null for the first page
 */
export function usePages<Row, Cursor, More = unknown>(
  key: string,
  read: (cursor: Cursor | null, signal: AbortSignal) => Promise<Page<Row, Cursor> & More>,
  options: ResourceOptions = {},
) {
  const first = useResource(key, (signal) => read(null, signal), options)
  const [rest, setRest] = useState<{ of: typeof first.value; rows: readonly Row[]; next: Cursor | null }>()
  const reading = useRef<AbortController>(undefined)
  useEffect(() => () => reading.current?.abort(), [key])
  // Pages that were read behind a first page that is read again do not fit any longer.
  const behind = rest?.of === first.value ? rest : undefined
  const next = behind ? behind.next : (first.value?.next ?? null)
  const value = first.value && {
    rows: behind ? [...first.value.rows, ...behind.rows] : first.value.rows,
    next,
    first: first.value,
  }
  const more = (): void => {
    if (next === null || (reading.current && !reading.current.signal.aborted)) return
    const ended = new AbortController()
    reading.current = ended
    read(next, ended.signal)
      .then((page) => setRest({ of: first.value, rows: [...(behind?.rows ?? []), ...page.rows], next: page.next }))
      .catch((cause: Error) => ended.signal.aborted || toast(cause.message, { bad: true }))
      .finally(() => ended.abort())
  }
  return { ...first, value, more: next === null ? undefined : more }
}
