import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { WordsRequest } from '@deed/proto/execution'
import { registerSecret } from '@deed/telemetry/redact'
import { describe, expect, it } from 'vitest'
import { emptySnapshot, newExecution } from '../execution/new-execution.ts'
import { replyOf } from './answer.ts'
import { type ExportOptions, openExport } from './export-record.ts'

const principal = { tenant: 'local', user: 'ada' }
const trace = '00-00000000000000000000000000000001-0000000000000001-00'

/** Appends a record of each task at once, and reads the tasks of each file, the newest file first. */
async function exported(options: Omit<ExportOptions, 'file'>, rounds: readonly (readonly string[])[]) {
  using folder = temporaryFolder()
  const file = join(folder.path, 'records.jsonl')
  const append = openExport({ file, ...options })
  for (const tasks of rounds) {
    await Promise.all(
      tasks.map((task) => {
        const snapshot = emptySnapshot(newExecution({ request: WordsRequest.parse({ task }), principal, trace }, 0))
        return append(snapshot, replyOf(snapshot, 0))
      }),
    )
  }
  const files = [file, ...[1, 2, 3].map((n) => `${file}.${n}`)].filter((path) => existsSync(path))
  return files.map((path) => ({
    mode: statSync(path).mode & 0o777,
    tasks: readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).request.task),
  }))
}

describe('the records in a file', () => {
  it('are one a line, of all that end together, without secrets, for the owner alone', async () => {
    registerSecret('canary-of-the-export')
    const [only] = await exported({ bytesMax: 1e6, olderMax: 2 }, [
      ['one', 'two', 'say canary-of-the-export'],
      ['four'],
    ])
    expect(only).toEqual({ mode: 0o600, tasks: ['one', 'two', 'say [redacted]', 'four'] })
  })

  it('go on in a new file where the file is full, and only the newest files are kept', async () => {
    const files = await exported({ bytesMax: 1, olderMax: 2 }, [['one'], ['two', 'three'], ['four'], ['five']])
    expect(files.map(({ tasks }) => tasks)).toEqual([['five'], ['four'], ['two', 'three']])
  })

  it('are tried again each time where the file cannot be written', async () => {
    using folder = temporaryFolder()
    const append = openExport({ file: folder.path, bytesMax: 1e9, olderMax: 1 })
    const snapshot = emptySnapshot(newExecution({ request: WordsRequest.parse({ task: 'x' }), principal, trace }, 0))
    await expect(append(snapshot, replyOf(snapshot, 0))).rejects.toMatchObject({ code: 'EISDIR' })
    await expect(append(snapshot, replyOf(snapshot, 0))).rejects.toMatchObject({ code: 'EISDIR' })
  })
})
