// A real JetStream, and consumers that fail, die or lose their stream.

import { type TestBus, testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import { workAct } from '@deed/proto/action'
import { workSolve } from '@deed/proto/agent'
import { intakeStream } from '@deed/proto/execution'
import type { ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
import { LOCAL } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { ensureIntake, ensureWorkQueues } from './work-queue.ts'

const workNamed = (description: string) => ({
  task_id: crypto.randomUUID() as TaskId,
  execution_id: crypto.randomUUID() as ExecutionId,
  tenant: LOCAL.tenant,
  token: 1 as FencingToken,
  task: { description },
})

/** Messages in the stream, finished or not: acknowledged ones are gone. */
const left = async (mesh: TestBus, stream = workSolve.stream): Promise<number> => {
  const { nc } = await mesh.bus('deed')
  return (await (await nc.jetstreamManager()).streams.info(stream)).state.messages
}

describe('a work queue', () => {
  it('is recreated if it is gone, and gets current settings if they were different', async () => {
    await using mesh = await testBus()
    const { nc } = await mesh.bus('deed')
    const jsm = await nc.jetstreamManager()
    const orchestrator = await mesh.bus('orchestrator')
    const mended = () => ensureWorkQueues(orchestrator.nc, [workAct, workSolve])
    expect(await mended()).toEqual([])
    const { config } = await jsm.consumers.info('WORK', 'executor')
    await jsm.consumers.update('WORK', 'executor', { ...config, ack_wait: 60_000_000_000, max_ack_pending: 7 })
    expect(await mended()).toEqual(['consumer executor of WORK was made with other settings'])
    expect((await jsm.consumers.info('WORK', 'executor')).config).toEqual(config)
    await jsm.consumers.delete('WORK', 'executor')
    expect(await mended()).toEqual(['consumer executor of WORK was missing'])
    await jsm.streams.delete('WORK')
    expect(await mended()).toHaveLength(3)
    expect(await mended()).toEqual([])
  })

  it('is created once by replicas that start at the same time, though the server has memory for one alone', async () => {
    await using mesh = await testBus()
    const jsm = await (await mesh.bus('deed')).nc.jetstreamManager()
    const replicas = await Promise.all([1, 2, 3].map(() => mesh.bus('orchestrator')))
    for (let round = 0; round < 10; round++) {
      await jsm.streams.delete('WORK')
      await Promise.all(replicas.map(({ nc }) => ensureWorkQueues(nc, [workAct, workSolve])))
      expect(await jsm.consumers.list('WORK').next()).toHaveLength(2)
    }
  })

  it('keeps work until a handler has finished, and redelivers what failed', async () => {
    await using mesh = await testBus()
    const orchestrator = await mesh.bus('orchestrator')
    orchestrator.handOut(workSolve, workNamed('once'), { tenant: LOCAL.tenant })
    orchestrator.handOut(workSolve, workNamed('twice'), { tenant: LOCAL.tenant })
    const taken: [string, number][] = []
    const agent = await mesh.bus('hybrid-agent')
    const consuming = await agent.consumeWork(
      workSolve,
      async ({ task }, { deliveries }) => {
        taken.push([task.description, deliveries])
        if (task.description === 'twice' && deliveries === 1) throw new Error('this time it fails')
      },
      { slots: 1 },
    )
    await until(async () => (await left(mesh)) === 0, { what: 'an empty queue' })
    expect(taken.toSorted()).toEqual([
      ['once', 1],
      ['twice', 1],
      ['twice', 2],
    ])
    await consuming[Symbol.asyncDispose]()
  })

  it('delivers no more at once than there are slots, and waits for work in progress when it is disposed', async () => {
    await using mesh = await testBus()
    const orchestrator = await mesh.bus('orchestrator')
    for (let index = 0; index < 5; index++) {
      orchestrator.handOut(workSolve, workNamed(`work ${index}`), { tenant: LOCAL.tenant })
    }
    const agent = await mesh.bus('hybrid-agent')
    const running: PromiseWithResolvers<void>[] = []
    let done = 0
    const consuming = await agent.consumeWork(
      workSolve,
      async () => {
        const held = Promise.withResolvers<void>()
        running.push(held)
        await held.promise
        done++
      },
      { slots: 2 },
    )
    await until(() => running.length === 2)
    running[0]?.resolve()
    await until(() => running.length === 3)
    expect(done).toBe(1)
    const disposing = consuming[Symbol.asyncDispose]()
    running[1]?.resolve()
    running[2]?.resolve()
    await disposing
    expect(done).toBe(running.length)
    expect(await left(mesh)).toBe(5 - done)
  })

  it('drops unreadable messages, and continues with the rest', async () => {
    await using mesh = await testBus()
    const { nc } = await mesh.bus('deed')
    nc.publish(`${workSolve.subject}.local`, '{"task_id":')
    nc.publish(`${workSolve.subject}.local`, JSON.stringify({ ...workNamed('x'), token: 0 }))
    const orchestrator = await mesh.bus('orchestrator')
    await nc.flush()
    orchestrator.handOut(workSolve, workNamed('good'), { tenant: LOCAL.tenant })
    const agent = await mesh.bus('hybrid-agent')
    const taken: string[] = []
    await using _ = await agent.consumeWork(workSolve, async ({ task }) => void taken.push(task.description), {
      slots: 1,
    })
    await until(async () => (await left(mesh)) === 0, { what: 'an empty queue' })
    expect(taken).toEqual(['good'])
  })

  it('is consumed again after its stream was lost and recreated', async () => {
    await using mesh = await testBus()
    const orchestrator = await mesh.bus('orchestrator')
    const agent = await mesh.bus('hybrid-agent')
    const taken: string[] = []
    await using _ = await agent.consumeWork(workSolve, async ({ task }) => void taken.push(task.description), {
      slots: 1,
    })
    orchestrator.handOut(workSolve, workNamed('before'), { tenant: LOCAL.tenant })
    await until(() => taken.length === 1)
    const { nc } = await mesh.bus('deed')
    await (await nc.jetstreamManager()).streams.delete(workSolve.stream)
    await ensureWorkQueues(orchestrator.nc, [workAct, workSolve])
    // Creating what exists changes nothing.
    await ensureWorkQueues(orchestrator.nc, [workAct, workSolve])
    orchestrator.handOut(workSolve, workNamed('after'), { tenant: LOCAL.tenant })
    await until(() => taken.includes('after'), { timeoutMs: 60_000, what: 'work from the new stream' })
    expect(taken).toEqual(['before', 'after'])
  })
})

describe('an intake', () => {
  it('is separate for each tenant: equal message ids of two tenants never collide', async () => {
    await using mesh = await testBus()
    const { nc } = await mesh.bus('deed')
    await ensureIntake(nc, 'acme')
    await ensureIntake(nc, 'acme')
    const js = nc.jetstream()
    const submit = (subject: string) => js.publish(subject, '{}', { msgID: 'same' })
    expect(await submit('execution.submit')).toMatchObject({ stream: intakeStream('local'), duplicate: false })
    expect(await submit('execution.submit.local.ada')).toMatchObject({ duplicate: true })
    expect(await submit('execution.submit.acme.ada')).toMatchObject({ stream: intakeStream('acme'), duplicate: false })
    expect(await left(mesh, intakeStream('local'))).toBe(1)
    expect(await left(mesh, intakeStream('acme'))).toBe(1)
  })

  it('knows message ids for the shortest time that the server takes', async () => {
    await using mesh = await testBus()
    const jsm = await (await mesh.bus('deed')).nc.jetstreamManager()
    const { config } = await jsm.streams.info(intakeStream('local'))
    const shorter = { duplicate_window: config.duplicate_window - 1 }
    await expect(jsm.streams.update(config.name, shorter)).rejects.toThrow('duplicates window needs to be >= 100ms')
  })

  it('cannot be emptied by its publishers', async () => {
    await using mesh = await testBus()
    const { nc } = await mesh.bus('deed')
    await nc.jetstream().publish('execution.submit', '{}')
    const jsm = await nc.jetstreamManager()
    await expect(jsm.streams.purge(intakeStream('local'))).rejects.toThrow()
    await expect(jsm.streams.deleteMessage(intakeStream('local'), 1)).rejects.toThrow()
    expect(await left(mesh, intakeStream('local'))).toBe(1)
  })
})
