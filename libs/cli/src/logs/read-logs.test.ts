import { appendFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { turnOver } from '@deed/local/bounded-log'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { type Entry, lastLines, logNames, newLines, type Positions, readLogLine } from '@deed/telemetry/read-logs'
import { describe, expect, it } from 'vitest'
import { unpainted } from '../terminal/paint.ts'
import { logLineText } from './log-line.ts'

const line = (time: number, msg: string, more: object = {}): string =>
  `${JSON.stringify({ level: 'info', time, service: 'executor', instance: 'host:1', msg, ...more })}\n`

function folderWith(files: Record<string, string>): Disposable & { readonly path: string } {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text)
  return folder
}

const messages = (entries: readonly Entry[]): unknown[] => entries.map(({ line: { msg, text } }) => msg ?? text)

describe('logs', () => {
  it('are the last lines of all files, in the order of time, with what a crash left at its place', async () => {
    using folder = folderWith({
      'executor.log': `${line(1, 'one')}Error: a crash\n    at main.ts\n${line(4, 'four')}`,
      'orchestrator.log': line(2, 'two') + line(3, 'three'),
      'note.txt': 'no log\n',
    })
    const names = logNames(folder.path)
    expect(names).toEqual(['executor', 'orchestrator'])
    const all = ['one', 'Error: a crash', '    at main.ts', 'two', 'three', 'four']
    expect(messages(await lastLines(folder.path, names, {}, 10))).toEqual(all)
    expect(messages(await lastLines(folder.path, names, {}, 2))).toEqual(['three', 'four'])
    expect(messages(await lastLines(folder.path, ['executor'], {}, 1))).toEqual(['four'])
  })

  it('pass by level, by time and by the end of the id of an execution', async () => {
    using folder = folderWith({
      'executor.log':
        line(1, 'early', { level: 'error', execution_id: '0199-aaaa' }) +
        line(5, 'quiet', { level: 'debug', execution_id: '0199-aaaa' }) +
        line(6, 'loud', { level: 'warn', execution_id: '0199-bbbb' }) +
        'text\n',
    })
    const passing = async (filter: Parameters<typeof lastLines>[2]) =>
      messages(await lastLines(folder.path, ['executor'], filter, 10))
    expect(await passing({ level: 'warn' })).toEqual(['early', 'loud'])
    expect(await passing({ since: 5 })).toEqual(['quiet', 'loud'])
    expect(await passing({ execution: 'aaaa' })).toEqual(['early', 'quiet'])
    expect(await passing({ execution: 'aaaa', level: 'info' })).toEqual(['early'])
    expect(await passing({ services: ['executor'] })).toEqual(['early', 'quiet', 'loud', 'text'])
    expect(await passing({ services: ['hybrid-agent'] })).toEqual(['text'])
  })

  it('are followed line by line, also in a file that is new or was emptied', async () => {
    using folder = folderWith({ 'executor.log': `${line(1, 'old')}{"level":"info","ti` })
    const positions: Positions = new Map()
    expect(messages(await lastLines(folder.path, ['executor'], {}, 10, positions))).toEqual(['old'])
    const seen: Entry[] = []
    const reading = newLines(folder.path, () => logNames(folder.path), {}, positions)
    const ended = (async () => {
      for await (const entry of reading) if (seen.push(entry) === 3) break
    })()
    appendFileSync(join(folder.path, 'executor.log'), 'me":2,"msg":"whole"}\n')
    await until(async () => seen.length === 1)
    mkdirSync(join(folder.path, 'sub'))
    writeFileSync(join(folder.path, 'orchestrator.log'), line(3, 'another'))
    await until(async () => seen.length === 2)
    truncateSync(join(folder.path, 'executor.log'))
    appendFileSync(join(folder.path, 'executor.log'), line(4, 'after'))
    await ended
    expect(messages(seen)).toEqual(['whole', 'another', 'after'])
  })

  it('come from the older file, too, where the newer one has too few', async () => {
    using folder = folderWith({ 'executor.log': line(1, 'one') + line(2, 'two') })
    await turnOver(join(folder.path, 'executor.log'), 0)
    appendFileSync(join(folder.path, 'executor.log'), line(3, 'three'))
    const names = logNames(folder.path)
    expect(names).toEqual(['executor'])
    expect(messages(await lastLines(folder.path, names, {}, 10))).toEqual(['one', 'two', 'three'])
    expect(messages(await lastLines(folder.path, names, {}, 2))).toEqual(['two', 'three'])
    expect(messages(await lastLines(folder.path, names, {}, 1))).toEqual(['three'])
  })

  it('are followed without a gap while a file is copied and emptied', async () => {
    using folder = folderWith({ 'executor.log': line(1, 'old') })
    const file = join(folder.path, 'executor.log')
    const positions: Positions = new Map()
    await lastLines(folder.path, ['executor'], {}, 10, positions)
    const seen: Entry[] = []
    const ended = (async () => {
      for await (const entry of newLines(folder.path, () => ['executor'], {}, positions))
        if (seen.push(entry) === 4) break
    })()
    appendFileSync(file, line(2, 'seen'))
    await until(() => seen.length === 1)
    appendFileSync(file, line(3, 'copied'))
    await turnOver(file, 0)
    appendFileSync(file, line(4, 'new'))
    await until(() => seen.length === 3)
    appendFileSync(file, line(5, 'last'))
    await ended
    expect(messages(seen)).toEqual(['seen', 'copied', 'new', 'last'])
  })

  it('are shown in one line each, with an error by its sentence, and nothing that a terminal would obey', () => {
    const written = line(Date.UTC(2026, 0, 1, 12, 0, 0, 5), 'it \u001b[31mfailed', {
      level: 'error',
      path: 'a b.txt',
      n: 3,
      err: { type: 'Error', message: 'no such file', stack: 'Error: ...' },
    })
    expect(logLineText(readLogLine(written), 'executor-2', unpainted)).toBe(
      '12:00:00.005 error executor-2 it failed path="a b.txt" n=3 err="no such file"',
    )
    expect(logLineText(readLogLine('plain'), 'executor', unpainted)).toBe('             executor  plain')
  })
})
