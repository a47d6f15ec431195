// Work that is offered on a real server: to consumers with room, without, and none.
import { testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import { workSolve } from '@deed/proto/agent'
import type { ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
import { LOCAL } from '@deed/proto/ids'
import { serviceAs } from '@deed/proto/permissions'
import { reportTask } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'

const work = (description: string) => ({
  task_id: crypto.randomUUID() as TaskId,
  execution_id: crypto.randomUUID() as ExecutionId,
  tenant: LOCAL.tenant,
  token: 1 as FencingToken,
  task: { description },
})

const REPORT = {
  ...{ task_id: crypto.randomUUID() as TaskId, execution_id: crypto.randomUUID() as ExecutionId },
  ...{ token: 1 as FencingToken, worker_id: 'w', duration_ms: 1 },
  ...({ intent: 'solve', outcome: 'failed', effect: 'none' } as const),
}

describe('work that is handed out', () => {
  it('reaches a consumer with room without the queue, and who has none leaves it to the queue', async () => {
    await using mesh = await testBus()
    const [orchestrator, agent, deed] = await Promise.all([
      mesh.bus('orchestrator'),
      mesh.bus('hybrid-agent'),
      mesh.bus('deed'),
    ])
    const jsm = await deed.nc.jetstreamManager()
    const queued = async (): Promise<number> => (await jsm.streams.info(workSolve.stream)).state.last_seq
    const running: PromiseWithResolvers<void>[] = []
    const done: string[] = []
    await using _ = await agent.consumeWork(
      workSolve,
      async ({ task }) => {
        const held = Promise.withResolvers<void>()
        running.push(held)
        await held.promise
        done.push(task.description)
      },
      { slots: 1 },
    )
    await agent.nc.flush()
    orchestrator.handOut(workSolve, work('first'), { tenant: LOCAL.tenant })
    await until(() => running.length === 1)
    expect(await queued()).toBe(0)
    orchestrator.handOut(workSolve, work('second'), { tenant: LOCAL.tenant })
    await until(async () => (await queued()) === 1, { what: 'work in the queue' })
    await until(() => running.length === 2)
    for (const { resolve } of running) resolve()
    await until(() => done.length === 2)
    expect(done).toEqual(['first', 'second'])
  })

  it('is tried again by its consumer while that fails', async () => {
    await using mesh = await testBus()
    const [orchestrator, agent] = await Promise.all([mesh.bus('orchestrator'), mesh.bus('hybrid-agent')])
    const tried: number[] = []
    await using _ = await agent.consumeWork(
      workSolve,
      async (_work, { deliveries }) => {
        tried.push(deliveries)
        if (deliveries < 3) throw new Error('this time it fails')
      },
      { slots: 1 },
    )
    await agent.nc.flush()
    orchestrator.handOut(workSolve, work('again'), { tenant: LOCAL.tenant })
    await until(() => tried.length === 3)
    expect(tried).toEqual([1, 2, 3])
  })

  it('names the replica that handed it out, and a report to that one reaches no other', async () => {
    await using mesh = await testBus()
    const replicas = await Promise.all([mesh.bus('orchestrator'), mesh.bus('orchestrator')])
    const reached: number[] = []
    for (const [index, replica] of replicas.entries()) {
      replica.serve(reportTask, async () => {
        reached.push(index)
        return { recorded: true }
      })
    }
    const agent = await mesh.bus('hybrid-agent')
    const principal = serviceAs('hybrid-agent')
    const from = new Map<string, string | undefined>()
    await using _ = await agent.consumeWork(
      workSolve,
      async ({ task }, scope) => void from.set(task.description, scope.from),
      { slots: 10 },
    )
    await agent.nc.flush()
    for (const [index, replica] of replicas.entries()) {
      // Once it serves, it has an id.
      const to = await until(
        () => {
          replica.handOut(workSolve, work(`work of ${index}`), { tenant: LOCAL.tenant })
          return from.get(`work of ${index}`)
        },
        { what: 'the name of the replica' },
      )
      reached.length = 0
      for (let count = 0; count < 5; count++) await agent.call(reportTask, REPORT, { principal, instance: to })
      expect(reached).toEqual(Array.from({ length: 5 }, () => index))
    }
    await expect(agent.call(reportTask, REPORT, { principal, instance: 'gone', patient: false })).rejects.toMatchObject(
      { code: 'unavailable' },
    )
  })
})
