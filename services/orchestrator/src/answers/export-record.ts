/** Appends the record of each execution to a file: request, steps, model use, verifications, outcome. */
import { appendFile, rename, stat } from 'node:fs/promises'
import type { ExecutionReply } from '@deed/proto/execution'
import { redactValue } from '@deed/telemetry/redact'
import type { Snapshot } from '../execution/snapshot.ts'
import { viewOf } from './task-view.ts'

export interface ExportOptions {
  /** Gets one JSON object a line. */
  readonly file: string
  /** A file of this size is renamed to `<file>.1`, that to `<file>.2`, and so on. */
  readonly bytesMax: number
  /** How many renamed files are kept. */
  readonly olderMax: number
}

/** Appends a record, at least once per execution; readers take the last line of an id. */
export type ExportRecord = (snapshot: Snapshot, reply: ExecutionReply) => Promise<void>

export function openExport({ file, bytesMax, olderMax }: ExportOptions): ExportRecord {
  let lines: string[] = []
  let written: Promise<void> | undefined
  // One write at a time, of all that has come meanwhile: a file is not renamed under another write.
  const writeAll = async (): Promise<void> => {
    const text = lines.join('')
    lines = []
    written = undefined
    if ((await sizeOf(file)) >= bytesMax) await rotate(file, olderMax)
    await appendFile(file, text, { mode: 0o600 })
  }
  let last = Promise.resolve()
  return ({ execution, tasks }, reply) => {
    const { tenant, user_name: user, request, created_at, finished_at } = execution
    const record = { ...reply, tenant, user, request, created_at, finished_at, tasks: [...tasks.values()].map(viewOf) }
    lines.push(`${JSON.stringify(redactValue(record))}\n`)
    written ??= last.then(writeAll)
    last = written.catch(() => undefined)
    return written
  }
}

const sizeOf = async (file: string): Promise<number> => {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

/** The oldest one is overwritten. Another replica on the same file may have renamed one just now. */
async function rotate(file: string, olderMax: number): Promise<void> {
  for (let n = olderMax; n >= 1; n--) {
    await rename(n === 1 ? file : `${file}.${n - 1}`, `${file}.${n}`).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'
