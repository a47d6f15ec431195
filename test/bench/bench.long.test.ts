// The benchmark in its shortest form: that it measures what it says, proves what it counts, and leaves
// nothing behind. How fast anything is, is nobody's business here.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { describe, expect, it } from 'vitest'
import { checkFiles, contentOf, pathOf } from './written-files.ts'

/** Servers and all services start in it, on machines that have other things to do. */
const TEST_MS_MAX = 180_000
const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(import.meta.dirname, 'main.ts')

/** Runs the benchmark with its servers, and everything else it makes, below `tmp`. */
async function bench(args: string[], tmp: string) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, TMPDIR: tmp },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { out, err, code: code as number }
}

function processesThatName(folder: string): string[] {
  return globSync('/proc/[0-9]*/cmdline').flatMap((file) => {
    try {
      const command = readFileSync(file, 'utf8').replaceAll('\0', ' ')
      return command.includes(folder) ? [command] : []
    } catch {
      return []
    }
  })
}

describe('npm run bench', () => {
  it('measures a limit and an execution, and leaves nothing running or on disk', { timeout: TEST_MS_MAX }, async () => {
    using folder = temporaryFolder()
    const only = 'limit.nats_rtt,execution.rule.sequential'
    const { out, err, code } = await bench(['--only', only, '--seconds', '1', '--json'], folder.path)
    expect(err).toBe('')
    expect(code).toBe(0)
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const latencies = {
      p50_ms: expect.any(Number),
      p95_ms: expect.any(Number),
      p99_ms: expect.any(Number),
      per_second: expect.any(Number),
      cpu_s_per_1000: expect.any(Number),
      foreign_cores: expect.any(Number),
      steal_cores: expect.any(Number),
    }
    expect(lines).toEqual([
      { scenario: 'limit.nats_rtt', in_flight: 1, ...latencies },
      { scenario: 'limit.nats_rtt', in_flight: 64, ...latencies },
      {
        scenario: 'execution.rule.sequential',
        in_flight: 1,
        ...latencies,
        executions: expect.any(Number),
        traced: '0.01',
        workers: { count: 3, max_concurrent_tasks: 10 },
        client_cpu_s_per_1000: expect.any(Number),
        warm_up_s: expect.any(Number),
        warm_up_ended: expect.any(String),
        messages_in_per_execution: expect.any(Number),
        messages_out_per_execution: expect.any(Number),
        commits_per_execution: expect.any(Number),
        wal_bytes_per_execution: expect.any(Number),
        context_switches_per_execution: expect.any(Number),
        reads_and_writes_per_execution: expect.any(Number),
        statements_per_execution: expect.any(Number),
        cpu_by_process: expect.objectContaining({ orchestrator: expect.any(Number), executor: expect.any(Number) }),
        hops_ms: expect.objectContaining({ accepted_to_planned: expect.any(Number) }),
      },
    ])
    for (const line of lines) expect(line.per_second, String(line.scenario)).toBeGreaterThan(0)
    expect(processesThatName(folder.path)).toEqual([])
    expect(readdirSync(folder.path)).toEqual([])
  })

  it('measures two checkouts in turns, and what one figure is to the other', { timeout: TEST_MS_MAX }, async () => {
    using folder = temporaryFolder()
    const only = ['--only', 'execution.rule.concurrent64']
    const { out, err } = await bench([...only, '--seconds', '1', '--json', '--against', ROOT], folder.path)
    expect(err).toBe('')
    const [mine, theirs, ratio] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>)
    expect(theirs).toMatchObject({ scenario: mine?.scenario, checkout: ROOT })
    expect(ratio).toMatchObject({ scenario: 'execution.rule.concurrent64 ratio', pairs: 3 })
    for (const name of ['p50_ms', 'per_second', 'cpu_s_per_1000', 'wal_bytes_per_execution'])
      expect(ratio?.[name], name).toBeGreaterThan(0)
    expect(readdirSync(folder.path)).toEqual([])
  })

  it('says what it can measure when it is asked for something else', async () => {
    using folder = temporaryFolder()
    expect(await bench(['--only', 'execution.rul'], folder.path)).toMatchObject({ code: 64, out: '' })
    expect((await bench(['--seconds', 'many'], folder.path)).err).toContain('--seconds')
    expect((await bench(['--against', folder.path], folder.path)).err).toContain('is no checkout')
    expect((await bench(['--help'], folder.path)).out).toContain('limit.pg_commit')
  })
})

describe('the check of what was written', () => {
  function written(count: number) {
    const folder = temporaryFolder()
    for (let number = 0; number < count; number++) {
      const file = join(folder.path, pathOf('run', number))
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(file, contentOf('run', number))
    }
    return folder
  }

  it('is content with the files that were claimed', () => {
    using folder = written(501)
    expect(() => checkFiles(folder.path, 'run', 501)).not.toThrow()
    expect(Buffer.byteLength(contentOf('run', 500))).toBe(64)
  })

  it('sees that one is missing, one too many, or another', () => {
    using folder = written(3)
    expect(() => checkFiles(folder.path, 'run', 4)).toThrow('4 files')
    expect(() => checkFiles(folder.path, 'run', 2)).toThrow('2 files')
    expect(() => checkFiles(folder.path, 'another', 1)).toThrow('1 files')
    writeFileSync(join(folder.path, pathOf('run', 1)), contentOf('run', 2))
    expect(() => checkFiles(folder.path, 'run', 3)).toThrow(pathOf('run', 1))
  })
})
