// Two buses on a real server.

import { testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import { DeedError } from '@deed/proto/errors'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { decomposeTask } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { connectBus } from './bus.ts'

describe('the bus', () => {
  it('carries a request to its owner and the answer back, with the principal of the subject', async () => {
    await using mesh = await testBus()
    const server = await mesh.bus('task-decomposer')
    const seen: unknown[] = []
    server.serve(decomposeTask, async ({ goal }, { principal, served }) => {
      seen.push(principal, served.traceId.length)
      const node = {
        id: 'a',
        kind: 'task' as const,
        title: goal,
        description: goal,
        estimated_ms: 1,
        estimated_cost_usd: 0,
      }
      return { goal, nodes: [node], method: 'single' as const, critical_path_ms: 1 }
    })
    const client = await mesh.bus('orchestrator')
    const reply = await client.call(decomposeTask, { goal: 'x' }, { principal: { tenant: 'acme', user: 'ada' } })
    expect(reply.nodes[0]?.description).toBe('x')
    expect(seen).toEqual([{ tenant: 'acme', user: 'ada' }, 32])
  })

  it('refuses what the contract does not allow, and says what to change', async () => {
    await using mesh = await testBus()
    const server = await mesh.bus('orchestrator')
    server.serve(requestExecution, async () => {
      throw new Error('a bug')
    })
    const client = await mesh.bus('deed')
    const wrong = { tsak: 'x', task: 'x' } as unknown as { task: string }
    await expect(client.call(requestExecution, wrong)).rejects.toMatchObject({
      code: 'unknown_field',
      path: '$.tsak',
      message: expect.stringContaining('did you mean "task"'),
    })
    await expect(client.call(requestExecution, {} as { task: string })).rejects.toMatchObject({ code: 'missing_field' })
    await expect(client.call(requestExecution, { task: 'x' })).rejects.toMatchObject({ code: 'internal' })
  })

  it('reports that nobody answers', async () => {
    await using mesh = await testBus()
    const client = await mesh.bus('deed')
    await expect(client.call(getExecution, {}, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('notifies the one worker of a request that its caller has cancelled', async () => {
    await using mesh = await testBus()
    const given: string[] = []
    for (const name of ['first', 'second']) {
      const server = await mesh.bus('task-decomposer')
      server.serve(decomposeTask, async (_goal, { signal }) => {
        given.push(`${name} works`)
        await new Promise((aborted) => signal.addEventListener('abort', aborted))
        given.push(`${name} stops`)
        throw new Error('given up')
      })
    }
    const client = await mesh.bus('orchestrator')
    const controller = new AbortController()
    const asked = client.call(decomposeTask, { goal: 'x' }, { signal: controller.signal })
    await until(() => given.length === 1 || undefined, { what: 'somebody to work on it' })
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' })
    await until(() => given.length === 2 || undefined, { what: 'the work to stop' })
    expect(given[1]).toBe(given[0]?.replace('works', 'stops'))
  })

  it('aborts the work on a request at its deadline', async () => {
    await using mesh = await testBus()
    const server = await mesh.bus('task-decomposer')
    let stopped = false
    server.serve(decomposeTask, async (_goal, { signal }) => {
      await new Promise((aborted) => signal.addEventListener('abort', aborted))
      stopped = true
      throw new Error('late')
    })
    const client = await mesh.bus('orchestrator')
    const asked = client.call(decomposeTask, { goal: 'x' }, { timeoutMs: 200 })
    await expect(asked).rejects.toThrow()
    await until(() => stopped || undefined, { what: 'the work to stop' })
  })

  it('sends a request that was made without a connection exactly once, when the connection is back', async () => {
    await using mesh = await testBus()
    const server = await mesh.bus('orchestrator')
    const tasks: unknown[] = []
    server.serve(requestExecution, async ({ task }) => {
      tasks.push(task)
      throw new DeedError('invalid_request', 'heard')
    })
    const client = await mesh.bus('deed')
    // A request that must not be repeated.
    expect(requestExecution.idempotent).toBe(false)
    const disconnected = (async () => {
      for await (const { type } of client.nc.status()) if (type === 'disconnect') return
    })()
    await mesh.kill()
    await disconnected
    const asked = client.call(requestExecution, { task: 'made meanwhile' }).catch((error: unknown) => error)
    await mesh.start()
    expect(await asked).toMatchObject({ code: 'invalid_request', message: 'heard' })
    expect(tasks).toEqual(['made meanwhile'])
  })

  it('refuses a server with another name', async () => {
    await using mesh = await testBus()
    const { NATS_USER: user, NATS_PASSWORD: password } = mesh.environment('deed')
    await expect(connectBus({ service: 'deed', url: mesh.url, user, password, serverName: 'another' })).rejects.toThrow(
      'another',
    )
  })
})
