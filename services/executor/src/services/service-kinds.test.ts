import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@deed/local/kept-port'
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { processOf } from './supervised-process.ts'

/** An executor that knows a real HTTP service, which is not started yet. */
async function withService(broken = false): Promise<TestExecutor> {
  const port = await freePort()
  const executor = await testExecutor(
    `targets: { api: { type: process, command: [node, server.mjs], cwd: ., env: { PORT: "${port}" }, environment: test,
      health: { url: "http://127.0.0.1:${port}/health", timeout_ms: 500 } } }`,
  )
  const server = `import { createServer } from 'node:http'
    createServer((_, response) => { response.statusCode = ${broken ? 500 : 200}; response.end('ok') }).listen(Number(process.env.PORT), '127.0.0.1')`
  writeFileSync(join(executor.root, '..', 'server.mjs'), broken ? 'process.exit(1)' : server)
  return executor
}

const service = (verb: string, target = 'api') => ({ kind: `service.${verb}`, input: { target } })

describe('a service that is a process', () => {
  it('is started, found again, restarted as another process, and stopped', async () => {
    await using executor = await withService()
    const started = await executor.run(service('start'))
    expect(started).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { facts: { health: 'its health probe answered 200' } },
    })
    const { pid } = started.result!.data as JsonObject

    expect(await executor.run(service('start'))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
    expect(await executor.run(service('status'))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      result: { data: { state: 'running', pid, healthy: true } },
    })
    const restarted = await executor.run(service('restart'))
    expect(restarted).toMatchObject({ outcome: 'done', result: { data: { old_pid: pid } } })
    expect((restarted.result!.data as JsonObject).pid).not.toBe(pid)

    expect(await executor.run(service('stop'))).toMatchObject({ outcome: 'done' })
    expect(processOf(executor.world, 'api')).toBeUndefined()
    expect(await executor.run(service('stop'))).toMatchObject({ outcome: 'done', effect: 'none' })
    expect(await executor.run(service('status'))).toMatchObject({ result: { data: { state: 'stopped', pid: null } } })
  })

  it('is as it was after an undo', async () => {
    await using executor = await withService()
    const starting = await executor.dispatch(service('start'))
    await executor.attempt(starting)
    const stopping = await executor.dispatch(service('stop'))
    await executor.attempt(stopping)
    expect(await executor.undo(stopping)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(processOf(executor.world, 'api')).toBeDefined()
    expect(await executor.undo(starting)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(processOf(executor.world, 'api')).toBeUndefined()
  })

  it('that dies at once has not been started', async () => {
    await using executor = await withService(true)
    expect(await executor.run(service('start'))).toMatchObject({
      outcome: 'failed',
      effect: 'made',
      error: { code: 'verification_failed' },
      evidence: { outcome: 'failed', observed: 'api does not run; its process ended with exit code 1' },
    })
  })

  it('that nobody knows is refused with the name that was meant', async () => {
    await using executor = await withService()
    const { error } = await executor.run(service('restart', 'apy'))
    expect(error).toMatchObject({ code: 'unknown_target' })
    expect(error?.message).toContain('did you mean "api"?')
  })
})
