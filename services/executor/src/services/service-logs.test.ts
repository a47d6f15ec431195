// Logs of a real process, and of services whose clients print what the real ones print.
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import type { JsonObject } from '@deed/proto/json'
import { registerSecret } from '@deed/telemetry/redact'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { timeIn } from './log-lines.ts'
import { olderLog } from './rotating-log.ts'
import { logOf } from './service-record.ts'

const logs = (input: JsonObject = {}) => ({ kind: 'service.logs', input: { target: 'api', ...input } })
const linesOf = async (executor: TestExecutor, input: JsonObject = {}) => {
  const { outcome, error, result } = await executor.run(logs(input))
  return outcome === 'done' ? (result!.data as { lines: string[] }).lines : error?.code
}

/** With a log as the supervisor of a process writes it, without the process. */
async function withLog(text: string): Promise<TestExecutor & { log: string }> {
  const executor = await testExecutor(
    'targets: { api: { type: process, command: [node], cwd: ., env: { API_TOKEN: tok-of-the-target-1 } } }',
  )
  const log = logOf(executor.world.dataFolder, 'api')
  mkdirSync(join(log, '..'), { recursive: true })
  writeFileSync(log, text)
  return Object.assign(executor, { log })
}

describe('the log of a process', () => {
  it('is what it has written to its outputs, the newest lines, while it runs and afterwards', async () => {
    await using executor = await testExecutor(
      `targets: { api: { type: process, cwd: ., command: [sh, -c, "for i in 1 2 3; do echo line $i; done; echo fault >&2; exec sleep 1000"] } }`,
    )
    expect(await linesOf(executor)).toEqual([])
    expect(await executor.run({ kind: 'service.start', input: { target: 'api' } })).toMatchObject({ outcome: 'done' })
    const written = await until(
      async () => {
        const lines = await linesOf(executor)
        return lines?.length === 4 ? lines : undefined
      },
      { what: 'the log' },
    )
    expect(written).toEqual(['line 1', 'line 2', 'line 3', 'fault'])
    expect(await executor.run(logs({ lines: 2 }))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { outcome: 'verified', facts: { lines: 2 } },
      result: { text: 'line 3\nfault', data: { target: 'api', lines: ['line 3', 'fault'], truncated: false } },
    })
    await executor.run({ kind: 'service.stop', input: { target: 'api' } })
    expect(await linesOf(executor, { lines: 1 })).toEqual(['fault'])
  })

  it('has no secrets: neither known ones, nor those of the target, nor a key of many lines cut by what is shown', async () => {
    registerSecret('hunter2-of-the-log')
    const key = Array.from({ length: 20 }, (_, at) => `MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ${at}`)
    const pem = ['-----BEGIN PRIVATE KEY-----', ...key, '-----END PRIVATE KEY-----']
    await using executor = await withLog(
      ['first', 'password=opensesame', 'with hunter2-of-the-log', 'as tok-of-the-target-1', ...pem, 'last', ''].join(
        '\n',
      ),
    )
    expect(await linesOf(executor)).toEqual([
      'first',
      'password=[redacted]',
      'with [redacted]',
      'as [redacted]',
      '[redacted]',
      'last',
    ])
    expect(await linesOf(executor, { lines: 3 })).toEqual(['as [redacted]', '[redacted]', 'last'])
  })

  it('is read on into the file that was rotated, and bounded in lines, length and size', async () => {
    await using executor = await withLog('newest\n')
    writeFileSync(olderLog(executor.log), 'older\n')
    expect(await linesOf(executor)).toEqual(['older', 'newest'])
    appendFileSync(executor.log, `${'x'.repeat(5_000)}\n`)
    expect((await linesOf(executor))?.at(-1)).toHaveLength(2_003)
    appendFileSync(executor.log, `${'y'.repeat(400)}\n`.repeat(20_000))
    const { result } = await executor.run(logs({ lines: 1_000 }))
    expect(result?.text.length).toBeLessThan(65_000)
    expect(result?.data).toMatchObject({ truncated: true })
  })

  it('since a while has the lines with newer times, and those of a fault that belong to them', async () => {
    const at = (msAgo: number) => new Date(Date.now() - msAgo).toISOString()
    await using executor = await withLog(
      `${at(7_200_000)} old\n  at old.js:1\n${at(60_000)} new\n  at new.js:1\n{"time":${Date.now()},"msg":"newest"}\n`,
    )
    expect(await linesOf(executor, { since: '10m' })).toEqual([
      expect.stringMatching(/ new$/),
      '  at new.js:1',
      expect.stringContaining('newest'),
    ])
    expect(await linesOf(executor, { since: '3h' })).toHaveLength(5)
    writeFileSync(executor.log, 'without a time\n')
    expect(await linesOf(executor, { since: '10m' })).toBe('invalid_request')
  })

  it('shows no sequences for terminals and no hidden characters', async () => {
    await using executor = await withLog('\u001b[31mred\u001b[0m\tand \u202etxt\n')
    expect(await linesOf(executor)).toEqual(['red and \\u{202e}txt'])
  })

  it.each([
    ['of no service', { target: 'nobody' }, 'unknown_target'],
    ['of no lines', { lines: 0 }, 'out_of_range'],
    ['of too many lines', { lines: 1_001 }, 'out_of_range'],
    ['since words', { since: 'yesterday' }, 'invalid_request'],
    ['that is followed', { follow: true }, 'unknown_field'],
  ])('%s is refused', async (_, input, code) => {
    await using executor = await withLog('x\n')
    expect(await executor.run(logs(input as JsonObject))).toMatchObject({ effect: 'none', error: { code } })
  })
})

/** An executor with a client that prints a text where its arguments have a word, and notes them. */
async function withClient(target: string, answers: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const folder = mkdtempSync(join(tmpdir(), 'deed-logs-'))
  for (const [program, texts] of Object.entries(answers)) {
    const cases = Object.entries(texts).map(([word, text], index) => {
      writeFileSync(join(folder, `${program}-${index}`), text)
      const output = word.endsWith('!') ? '>&2' : ''
      return `case " $* " in *" ${word.replace('!', '')} "*) /bin/cat ${folder}/${program}-${index} ${output};; esac`
    })
    writeFileSync(join(folder, program), ['#!/bin/sh', `echo "$*" >>${folder}/calls`, ...cases].join('\n'))
    chmodSync(join(folder, program), 0o755)
  }
  const executor = await testExecutor(`targets: { api: ${target} }`, { PATH: folder })
  return {
    executor,
    calls: () => readFileSync(join(folder, 'calls'), 'utf8'),
    async [Symbol.asyncDispose]() {
      await executor[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
}

describe('the log of a service that another program runs', () => {
  it('is that of a container, its two outputs brought together by their times', async () => {
    const state = { Status: 'running', Running: true, Pid: 41, StartedAt: '2026-01-02T03:04:05.5Z' }
    await using opened = await withClient('{ type: docker, container: web }', {
      docker: {
        inspect: JSON.stringify([{ State: state }]),
        logs: '2026-01-02T03:04:05.000000001Z one\n2026-01-02T03:04:07.000000001Z three\n',
        'logs!': '2026-01-02T03:04:06.000000001Z two\n',
      },
    })
    expect(await linesOf(opened.executor)).toEqual(['one', 'two', 'three'])
    expect(await linesOf(opened.executor, { since: '10m' })).toEqual([])
    expect(opened.calls()).toMatch(/^container logs --timestamps --tail=2000 --since=\S+Z -- web$/m)
  })

  it('is that of the journal, of text and of bytes', async () => {
    const show = 'LoadState=loaded\nActiveState=active\nSubState=running\nType=simple\nMainPID=41\nResult=success\n'
    const at = (msAgo: number) => String((Date.now() - msAgo) * 1_000)
    const entry = (MESSAGE: unknown, msAgo: number) =>
      `${JSON.stringify({ MESSAGE, __REALTIME_TIMESTAMP: at(msAgo) })}\n`
    await using opened = await withClient('{ type: systemd, unit: web.service }', {
      systemctl: { show },
      journalctl: { '--output=json': entry('old', 7_200_000) + entry([104, 105], 1_000) + entry(null, 500) },
    })
    expect(await linesOf(opened.executor)).toEqual(['old', 'hi', ''])
    expect(await linesOf(opened.executor, { since: '1h' })).toEqual(['hi', ''])
    expect(opened.calls()).toMatch(/--lines=2000 --since=@\d+ --unit=web\.service$/m)
  })

  it('is not empty where the journal may not be read: that is said', async () => {
    const show = 'LoadState=loaded\nActiveState=active\nSubState=running\nType=simple\nMainPID=41\nResult=success\n'
    const hint = 'Hint: You are currently not seeing messages from other users and the system.\n'
    await using opened = await withClient('{ type: systemd, unit: web.service }', {
      systemctl: { show },
      journalctl: { '--output=json!': hint },
    })
    expect(await linesOf(opened.executor)).toBe('unavailable')
  })

  it('is that of all pods of a deployment, each line with its pod', async () => {
    const deployment = {
      metadata: { uid: 'u', generation: 1 },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { spec: { containers: [{ name: 'app', image: 'web:1' }] } },
      },
    }
    await using opened = await withClient('{ type: kubernetes, namespace: shop, deployment: web }', {
      kubectl: {
        'get deployment/web': JSON.stringify(deployment),
        'get pods': '{"items":[]}',
        logs: '[pod/web-1/app] 2026-01-02T03:04:07Z two\n[pod/web-2/app] 2026-01-02T03:04:06Z one\n',
      },
    })
    expect(await linesOf(opened.executor)).toEqual(['web-2/app: one', 'web-1/app: two'])
    expect(opened.calls()).toMatch(/ logs --selector=app=web .*--all-containers --prefix --timestamps --tail=2000$/m)
  })
})

describe('the time that a line says', () => {
  it.each([
    ['2026-01-02T03:04:05Z x', '2026-01-02T03:04:05.000Z'],
    ['[2026-01-02 03:04:05,678] x', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02T03:04:05+01:00 x', '2026-01-02T02:04:05.000Z'],
    ['{"level":30,"time":1767323045000,"msg":"x"}', '2026-01-02T03:04:05.000Z'],
    ['{"ts":1767323045.5}', '2026-01-02T03:04:05.500Z'],
    ['on 2026-01-02 nothing', undefined],
    ['2026-99-99T03:04:05Z', undefined],
  ])('%s is %s', (line, at) => {
    const found = timeIn(line)
    expect(found === undefined ? undefined : new Date(found).toISOString()).toBe(at)
  })
})
