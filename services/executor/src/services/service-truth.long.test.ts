// Services that are not what they seem, as real processes: what is said of them is compared with what the host says.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from '@deed/local/kept-port'
import { until } from '@deed/process/until'
import { Action } from '@deed/proto/action'
import type { Check } from '@deed/proto/doctor'
import type { ExecutionId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import type { Conclusion } from '../attempt/conclusion.ts'
import { examineExecutor } from '../handlers/examine-executor.ts'
import { inspectAction } from '../handlers/inspect-action.ts'
import { LOG_BYTES_MAX, olderLog } from './rotating-log.ts'
import { logOf, processesOf, readRecord } from './service-record.ts'
import { startSupervisor } from './start-supervisor.ts'
import { stopProcess } from './supervised-process.ts'

/** An executor with one service, `it`, whose folder is that of the configuration. */
async function withService(target: JsonObject): Promise<TestExecutor & { folder: string }> {
  const executor = await testExecutor(`targets: { it: ${JSON.stringify({ type: 'process', ...target })} }`)
  return Object.assign(executor, { folder: join(executor.root, '..') })
}

const shell = (script: string) => ['/bin/sh', '-c', script]
const service = (verb: string) => ({ kind: `service.${verb}`, input: { target: 'it' } })
const pidOf = ({ result }: Conclusion) => (result!.data as { pid: number }).pid
/** One that has ended and was not collected does not. */
const lives = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
/** The pid that a process writes into a file, as soon as it is there. */
const writtenPid = (path: string) => until(() => Number(readFileSync(path, 'utf8')) || undefined)

/** Answers on a port that is given in its environment, under a title that is another one than it was started with. */
const SERVER = `import { createServer } from 'node:http'
process.title = 'renamed'
createServer((_, response) => response.end('ok')).listen(Number(process.argv[2]), '127.0.0.1')`
/** Gives one answer, and dies. */
const ONE_ANSWER = `import { createServer } from 'node:http'
createServer((_, response) => response.end('ok', () => setTimeout(() => process.exit(7), 150))).listen(Number(process.argv[2]), '127.0.0.1')`

const healthAt = (port: number) => ({ url: `http://127.0.0.1:${port}/`, timeout_ms: 1_000 })

describe('a service that has erased its environment and changed its title', () => {
  it('is found by its pid, is not started twice, and is gone after a stop, with the daemons it has made', async () => {
    const port = await freePort()
    const daemon = `(setsid /bin/sh -c 'echo $$ > daemon.pid; exec env -i /bin/sleep 300' &)`
    const command = shell(`${daemon}; exec env -i ${process.execPath} server.mjs ${port}`)
    await using executor = await withService({ command, health: healthAt(port) })
    writeFileSync(join(executor.folder, 'server.mjs'), SERVER)
    const started = await executor.run(service('start'))
    expect(started).toMatchObject({ outcome: 'done', effect: 'made' })
    const pid = pidOf(started)
    const daemonPid = await writtenPid(join(executor.folder, 'daemon.pid'))
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('')
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toMatch(/^renamed/)

    expect(await executor.run(service('status'))).toMatchObject({ result: { data: { state: 'running', pid } } })
    expect(await executor.run(service('start'))).toMatchObject({ outcome: 'done', effect: 'none' })
    expect(await executor.run(service('stop'))).toMatchObject({ outcome: 'done', effect: 'made' })
    expect([lives(pid), lives(daemonPid)]).toEqual([false, false])
    expect(await executor.run(service('status'))).toMatchObject({ result: { data: { state: 'stopped' } } })
  })

  it('is found and ended when its supervisor was killed', async () => {
    await using executor = await withService({ command: shell('exec env -i /bin/sleep 300') })
    const pid = pidOf(await executor.run(service('start')))
    process.kill(readRecord(executor.world.dataFolder, 'it')!.supervisor.pid, 'SIGKILL')
    expect(await executor.run(service('status'))).toMatchObject({ result: { data: { state: 'running', pid } } })
    expect(await executor.run(service('start'))).toMatchObject({ effect: 'none' })
    expect(await executor.run(service('restart'))).toMatchObject({
      outcome: 'done',
      result: { data: { old_pid: pid } },
    })
    expect(lives(pid)).toBe(false)
  })

  it('is found and ended where the host has no reaper, by what was seen of it from moment to moment', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'deed-walk-'))
    const daemon = 'while [ ! -e seen ]; do sleep 0.1; done; exec env -i /bin/sleep 300'
    const script = `(setsid /bin/sh -c '${daemon}' &); exec env -i /bin/sleep 300`
    const service = { name: 'it', dataFolder, command: shell(script), cwd: dataFolder, env: { PATH: '/usr/bin:/bin' } }
    expect(await startSupervisor({ ...service, reaper: [] })).toBe('started')
    expect(await startSupervisor({ ...service, reaper: [] })).toBe('already')
    await until(() => readRecord(dataFolder, 'it')!.known.length >= 2)
    writeFileSync(join(dataFolder, 'seen'), '')
    await until(() =>
      processesOf(dataFolder, 'it').every(({ pid }) => readFileSync(`/proc/${pid}/environ`).length === 0),
    )
    const pids = processesOf(dataFolder, 'it').map(({ pid }) => pid)
    expect(pids).toHaveLength(2)
    await stopProcess({ dataFolder }, 'it', 1_000)
    expect(pids.map(lives)).toEqual([false, false])
    rmSync(dataFolder, { recursive: true })
  })
})

describe('a service whose reaper was killed', () => {
  it('is found as it runs on, with its output, and ended', async () => {
    await using executor = await withService({ command: shell('while :; do echo alive; sleep 0.1; done') })
    const pid = pidOf(await executor.run(service('start')))
    const { reaper } = readRecord(executor.world.dataFolder, 'it')!
    if (reaper) process.kill(reaper.pid, 'SIGKILL')
    const log = logOf(executor.world.dataFolder, 'it')
    const size = statSync(log).size
    await until(() => statSync(log).size > size + 100)
    expect(await executor.run(service('status'))).toMatchObject({ result: { text: `it runs as process ${pid}` } })
    expect(await executor.run(service('stop'))).toMatchObject({ outcome: 'done' })
    expect(lives(pid)).toBe(false)
  })
})

describe('a service', () => {
  it('that puts itself into the background runs as the process that it left there', async () => {
    await using executor = await withService({
      command: shell("setsid /bin/sh -c 'echo $$ > pid; exec sleep 300' & :"),
    })
    const started = await executor.run(service('start'))
    expect(started).toMatchObject({ outcome: 'done' })
    const pid = await writtenPid(join(executor.folder, 'pid'))
    // The shell that was started may take a moment to end.
    await until(async () => (await executor.run(service('status'))).result?.text === `it runs as process ${pid}`)
    expect(await executor.run(service('stop'))).toMatchObject({ outcome: 'done' })
    expect(lives(pid)).toBe(false)
  })

  it('that is started by two attempts at once runs once', async () => {
    await using executor = await withService({ command: shell('echo $$ >> pids; exec sleep 300') })
    const both = await Promise.all([executor.run(service('start')), executor.run(service('start'))])
    expect(both.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
    // A process runs from its start on; what its shell was told may be written a moment later.
    const pids = await until(() => readFileSync(join(executor.folder, 'pids'), 'utf8').trim() || undefined)
    expect(pids).toBe(String(pidOf(both[0]!)))
  })
})

describe('a service whose port somebody else has', () => {
  it('is not up by the answers of the other, which is named', async () => {
    const other = createServer((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
    )
    await once(other.listen(0, '127.0.0.1'), 'listening')
    const { port } = other.address() as AddressInfo
    const command = shell(`sleep 2; exec ${process.execPath} server.mjs ${port}`)
    await using executor = await withService({ command, health: healthAt(port) })
    writeFileSync(join(executor.folder, 'server.mjs'), SERVER)
    const started = await executor.run(service('start'))
    const held = `port ${port} is held by process ${process.pid} `
    expect(started).toMatchObject({ outcome: 'failed', error: { code: 'verification_failed' } })
    expect(started.evidence?.observed).toContain(held)
    const status = await executor.run(service('status'))
    expect(status.result?.text).toMatch(/^it does not run; its process ended with exit code 1; port/)
    other.close()
  })
})

describe('a service that is up for a moment', () => {
  it.each([
    ['dies with exit code 3 after 0.6 seconds', () => shell('sleep 0.6; exit 3'), 3],
    ['gives one answer and dies', (port: number) => ['node', 'once.mjs', String(port)], 7],
  ])('and %s was not started', async (_, command, code) => {
    const port = await freePort()
    await using executor = await withService({
      command: command(port),
      stable_for: '2s',
      ...(code === 7 ? { health: healthAt(port) } : {}),
    })
    writeFileSync(join(executor.folder, 'once.mjs'), ONE_ANSWER)
    const started = await executor.run(service('start'))
    expect(started).toMatchObject({ outcome: 'failed', error: { code: 'verification_failed' } })
    expect(started.evidence?.observed).toContain(`its process ended with exit code ${code}`)
  })

  it('and is restarted by its wrapper again and again, is not the one that was up', async () => {
    const port = await freePort()
    const command = shell(`while :; do ${process.execPath} once.mjs ${port}; done`)
    await using executor = await withService({ command, health: healthAt(port), stable_for: 3 })
    writeFileSync(join(executor.folder, 'once.mjs'), ONE_ANSWER)
    expect(await executor.run(service('start'))).toMatchObject({ outcome: 'failed' })
  })
})

describe('a service that takes its time to stop', () => {
  const slow = (seconds: number) =>
    shell(`trap 'sleep ${seconds}; echo saved > saved.txt; exit 0' TERM; touch up; while :; do sleep 0.1; done`)

  it('is given the time of its target, and no SIGKILL', async () => {
    await using executor = await withService({ command: slow(6), stop_timeout: '60s' })
    expect(await executor.run(service('start'))).toMatchObject({ outcome: 'done' })
    await until(() => existsSync(join(executor.folder, 'up')))
    const stopped = await executor.run(service('stop'))
    expect(stopped).toMatchObject({ outcome: 'done', evidence: { claimed: 'stopped it' } })
    expect(existsSync(join(executor.folder, 'saved.txt'))).toBe(true)
  })

  it('gets SIGKILL after that time, as the plan has said, and the evidence says so', async () => {
    await using executor = await withService({ command: slow(120), stop_timeout: 1 })
    await executor.run(service('start'))
    await until(() => existsSync(join(executor.folder, 'up')))
    const action = Action.parse(service('stop'))
    const inspect = inspectAction({ world: executor.world })
    const plan = await inspect({ execution_id: randomUUID() as ExecutionId, actions: [action] }, {
      deadline: performance.now() + 60_000,
    } as Parameters<typeof inspect>[1])
    expect(plan).toMatchObject({
      inspections: [{ inspection: { summary: 'stop it: it gets SIGTERM, then SIGKILL after 1 s' } }],
    })
    expect(await executor.run(service('stop'))).toMatchObject({
      outcome: 'done',
      result: { text: 'stopped it (ended by SIGKILL after 1 s)' },
      evidence: {
        observed: 'it does not run; its process was ended by SIGKILL',
        facts: { stopped_by: 'ended by SIGKILL after 1 s' },
      },
    })
  })
})

describe('a service that writes without a pause', () => {
  it('has a log that keeps to its size, across restarts as well', async () => {
    const command = shell('echo first > /dev/stderr; exec cat /dev/zero')
    await using executor = await withService({ command })
    const log = logOf(executor.world.dataFolder, 'it')
    for (const verb of ['start', 'restart']) {
      expect(await executor.run(service(verb))).toMatchObject({ outcome: 'done' })
      await until(() => existsSync(olderLog(log)))
      for (const file of [log, olderLog(log)])
        expect(statSync(file, { throwIfNoEntry: false })?.size ?? 0).toBeLessThanOrEqual(LOG_BYTES_MAX)
      rmSync(olderLog(log))
    }
    expect(await executor.run(service('stop'))).toMatchObject({ outcome: 'done' })
  })

  it('and whose log something else has filled, is named by the doctor', async () => {
    await using executor = await withService({ command: shell('exec sleep 300') })
    const log = logOf(executor.world.dataFolder, 'it')
    mkdirSync(dirname(log), { recursive: true })
    writeFileSync(log, '')
    truncateSync(log, LOG_BYTES_MAX + 1)
    const examine = examineExecutor({ world: executor.world, missing: [] })
    const report = await examine({}, {} as Parameters<typeof examine>[1])
    expect((report as { checks: Check[] }).checks).toContainEqual({
      name: 'log.it',
      status: 'warning',
      message: `${log} has 11 MB, more than the 10 MB that it may have`,
      advice: 'remove it, and restart it',
    })
    expect(await executor.run(service('start'))).toMatchObject({ outcome: 'done' })
    expect(statSync(log).size).toBe(0)
  })
})
