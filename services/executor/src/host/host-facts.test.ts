// Facts of the very host that the test runs on, compared with what Node says of it.
import { once } from 'node:events'
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { totalmem, uptime } from 'node:os'
import type { JsonObject } from '@deed/proto/json'
import { HostFact } from '@deed/proto/kinds'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'
import { hostFacts } from './host-facts.ts'

const HAS_PROC = existsSync('/proc/meminfo')
const WHY = HAS_PROC ? '' : ' (SKIPPED: this host has no /proc)'
const facts = (input: JsonObject) => ({ kind: 'host.facts', input })

describe.skipIf(!HAS_PROC)(`facts of the host${WHY}`, () => {
  it('are what the system says: memory, load, uptime and disks, read twice', async () => {
    await using executor = await testExecutor()
    const { outcome, effect, evidence, result } = await executor.run(
      facts({ facts: ['memory', 'load', 'uptime', 'disk'] }),
    )
    expect({ outcome, effect, seen: evidence?.outcome }).toEqual({ outcome: 'done', effect: 'none', seen: 'verified' })
    const { memory, load, uptime: up, disk } = result!.data as Record<string, JsonObject>
    expect(memory?.total_bytes).toBe(totalmem())
    expect(memory?.available_bytes).toBeLessThan(totalmem())
    expect(load?.minutes_1).toBeGreaterThanOrEqual(0)
    expect(Math.abs(Number(up?.seconds) - uptime())).toBeLessThan(600)
    const { blocks, bsize } = statfsSync('/')
    expect(disk).toContainEqual(expect.objectContaining({ mount: '/', total_bytes: blocks * bsize }))
    expect(result?.text).toMatch(/^memory: .* of .* are available.*\nload: .*\nuptime: .*\ndisk: \d+% used of \//)
    expect(evidence?.facts).toMatchObject({ memory_bytes: totalmem() })
  })

  it('name the process that listens on a port, and say when none does', async () => {
    await using executor = await testExecutor()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ask = facts({ facts: ['ports'], port })
    expect(await executor.run(ask)).toMatchObject({
      outcome: 'done',
      result: {
        text: `port ${port}: node (process ${process.pid}) listens on 127.0.0.1`,
        data: { ports: [{ port, address: '127.0.0.1', pid: process.pid, program: 'node' }] },
      },
    })
    const all = await executor.run(facts({ facts: ['ports'] }))
    expect((all.result!.data as { ports: JsonObject[] }).ports).toContainEqual(
      expect.objectContaining({ port, pid: process.pid }),
    )
    server.close()
    await once(server, 'close')
    expect(await executor.run(ask)).toMatchObject({ result: { text: `no process listens on port ${port}` } })
  })

  it('name the busiest processes by their programs, never by their arguments', async () => {
    await using executor = await testExecutor()
    const { result } = await executor.run(facts({ facts: ['processes'] }))
    const { processes } = result!.data as { processes: JsonObject[] }
    expect(processes.length).toBeGreaterThan(0)
    expect(processes.length).toBeLessThanOrEqual(10)
    const [, ...argv] = readFileSync(`/proc/${process.pid}/cmdline`, 'utf8')
      .split('\0')
      .filter((one) => one.length > 6)
    for (const argument of argv) expect(result?.text).not.toContain(argument)
    for (const { program, memory_bytes } of processes) {
      // A thread of the kernel may have a slash in its name, as ksoftirqd/1.
      expect(program).toMatch(/^[^/]/)
      expect(memory_bytes).toBeGreaterThanOrEqual(0)
    }
  })

  it('are read again where an answer has moved: a port that changes hands is not proven by its first holder', async () => {
    await using executor = await testExecutor()
    const first = await hostFacts.execute({ facts: ['ports'], port: 1 }, executor as never, { state: 'read' })
    const moved = { ...first, facts: { 'port 1': ['0.0.0.0 42'] } }
    expect(await hostFacts.again!({ facts: ['ports'], port: 1 }, executor as never, moved)).toMatchObject({
      outcome: 'failed',
      same: false,
    })
    expect(moved.facts).toEqual({ 'port 1': [] })
  })

  it.each([
    ['none', { facts: [] }],
    ['one that nobody knows', { facts: ['weather'] }],
    ['a port without the fact that it is of', { facts: ['memory'], port: 80 }],
    ['a port that is none', { facts: ['ports'], port: 70_000 }],
  ])('are refused where the input names %s', async (_, input) => {
    await using executor = await testExecutor()
    expect(await executor.run(facts(input as JsonObject))).toMatchObject({
      outcome: 'failed',
      error: { code: expect.stringMatching(/^(invalid_request|out_of_range)$/) },
    })
  })

  it('are each of the table of kinds', async () => {
    await using executor = await testExecutor()
    const { result } = await executor.run(facts({ facts: HostFact.options }))
    expect(Object.keys(result!.data as JsonObject)).toEqual(HostFact.options)
  })
})
