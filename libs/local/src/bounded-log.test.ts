import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { olderLog } from '@deed/telemetry/read-logs'
import { expect, it } from 'vitest'
import { turnOver } from './bounded-log.ts'
import { temporaryFolder } from './temporary-folder.ts'

const BYTES_MAX = 100_000
const WRITER = `
let count = 0
const write = () => { for (let i = 0; i < 50; i++) process.stdout.write('line ' + count++ + '\\n') }
setInterval(write, 5)
`

it('a log is copied and emptied while a process writes it, which continues in the emptied file', async () => {
  using folder = temporaryFolder()
  const file = join(folder.path, 'executor.log')
  const log = openSync(file, 'a', 0o600)
  const writer = spawn(process.execPath, ['-e', WRITER], { stdio: ['ignore', log, 'inherit'] })
  closeSync(log)
  try {
    const long = () => until(() => statSync(file).size > BYTES_MAX)
    await turnOver(file, BYTES_MAX)
    expect(existsSync(olderLog(file))).toBe(false)
    for (let count = 0; count < 2; count++) {
      await long()
      await turnOver(file, BYTES_MAX)
      expect(statSync(file).size).toBeLessThan(BYTES_MAX)
      expect(statSync(olderLog(file)).size).toBeGreaterThan(BYTES_MAX)
      expect(statSync(olderLog(file)).mode & 0o077).toBe(0)
    }
    await until(() => statSync(file).size > 1_000)
  } finally {
    const ended = new Promise((resolve) => writer.once('close', resolve))
    writer.kill()
    await ended
  }
  // Nothing is written where the file ended before it was emptied.
  const lines = (readFileSync(olderLog(file), 'utf8') + readFileSync(file, 'utf8')).split('\n')
  const numbers = lines.flatMap((line) => (/^line \d+$/.test(line) ? [Number(line.slice(5))] : []))
  expect(numbers.length).toBeGreaterThan(1_000)
  expect(numbers).toEqual([...numbers].sort((one, other) => one - other))
  expect(readFileSync(file, 'utf8')).not.toContain('\0')
})
