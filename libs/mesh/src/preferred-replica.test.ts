// Replicas on a real server, which hear how busy each of them is.
import { testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import { checkInputs, workAct } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { requestExecution } from '@deed/proto/execution'
import { type ExecutionId, type FencingToken, LOCAL, type TaskId } from '@deed/proto/ids'
import { REPLICA_LOAD, type ReplicaLoad } from '@deed/proto/replica'
import { describe, expect, it } from 'vitest'
import type { Bus } from './bus.ts'

const REQUESTS = 20
const ASKED_MS = 2_000
/** What a replica takes at once. */
const ROOM = 20

const work = () => ({
  task_id: crypto.randomUUID() as TaskId,
  execution_id: crypto.randomUUID() as ExecutionId,
  tenant: LOCAL.tenant,
  token: 1 as FencingToken,
  intent: 'do' as const,
  action: { kind: 'file.read', input: { path: 'a' } },
  action_hash: 'a',
})

/** Answers with an error that names it, and the principal. */
function serve(bus: Bus, name: string): void {
  bus.serve(requestExecution, async (_, { principal }) => {
    throw new DeedError('invalid_request', `${name} for ${principal.tenant}.${principal.user}`)
  })
}

describe('the replicas of a service', () => {
  it('leave every request to one of them, in the name of its caller, and take over when that one stops', async () => {
    await using mesh = await testBus()
    const replicas = await Promise.all([mesh.bus('orchestrator'), mesh.bus('orchestrator')])
    const joined = replicas.map((replica, index) => {
      serve(replica, `replica ${index}`)
      return replica.joinReplicas({ choose: true })
    })
    const deed = await mesh.bus('deed')
    const principal = { tenant: 'acme', user: 'ada' }
    const asked = async (): Promise<Set<string>> => {
      const answers = await Promise.all(
        Array.from({ length: REQUESTS }, () =>
          deed
            .call(requestExecution, { task: 'x' }, { principal, timeoutMs: ASKED_MS })
            .catch(({ message }: Error) => message),
        ),
      )
      return new Set(answers.map(String))
    }
    const alone = await until(
      async () => {
        const answers = [...(await asked())]
        return answers.length === 1 && answers[0]
      },
      { what: 'one replica that takes everything' },
    )
    expect(alone).toMatch(/^replica [01] for acme\.ada$/)
    // A caller in an account of its own is answered by the same one, whichever its request came to.
    const outside = await mesh.bus('client')
    for (let count = 0; count < REQUESTS; count++)
      await expect(outside.call(requestExecution, { task: 'x' })).rejects.toThrow(
        alone.replace('acme.ada', 'local.user'),
      )
    const first = alone.startsWith('replica 0') ? 0 : 1
    // It stops without a word, as a process that is killed. What reaches it before the server notices is lost.
    await replicas[first]?.nc.close()
    const taken = `replica ${1 - first} for acme.ada`
    await until(async () => [...(await asked())].every((answer) => answer === taken), { what: 'the other one alone' })
    for (const one of joined) one[Symbol.dispose]()
  })

  it('leave work to one of them while it has room, and share it when a core is not enough for all of it', async () => {
    await using mesh = await testBus()
    const [orchestrator, ...executors] = await Promise.all([
      mesh.bus('orchestrator'),
      mesh.bus('executor'),
      mesh.bus('executor'),
    ])
    using _chooser = orchestrator.joinReplicas({ choose: true })
    await using opened = new AsyncDisposableStack()
    const taken = executors.map(() => 0)
    let ended = Promise.withResolvers<void>()
    opened.defer(() => ended.resolve())
    for (const [index, executor] of executors.entries()) {
      executor.serve(checkInputs, async () => ({ fault: null }))
      // A replica that serves something has an id.
      await until(() => orchestrator.call(checkInputs, { actions: [work().action] }).catch(() => undefined))
      await executor.nc.flush()
      const take = async (): Promise<void> => {
        taken[index] = (taken[index] ?? 0) + 1
        await ended.promise
      }
      opened.use(await executor.consumeWork(workAct, take, { slots: ROOM }))
      opened.use(executor.joinReplicas())
    }
    /** @returns how much each has taken of it */
    const handOut = async (count: number): Promise<number[]> => {
      taken.fill(0)
      for (let index = 0; index < count; index++) orchestrator.handOut(workAct, work(), { tenant: LOCAL.tenant })
      await until(() => taken.reduce((sum, one) => sum + one, 0) === count, { what: 'all of it taken' })
      const [less = 0, more = 0] = taken.toSorted((a, b) => a - b)
      ended.resolve()
      ended = Promise.withResolvers()
      return [less, more]
    }
    await until(async () => (await handOut(ROOM))[0] === 0, { what: 'one replica that takes everything' })
    // What it has no room for is taken all the same, by the other one or from the queue.
    expect((await handOut(2 * ROOM))[1]).toBeGreaterThanOrEqual(ROOM)
    const busy: ReplicaLoad = { instance: 'another', load: 2 }
    executors[0]?.nc.publish(`${REPLICA_LOAD}.executor`, JSON.stringify(busy))
    await executors[0]?.nc.flush()
    await until(async () => ((await handOut(ROOM))[0] ?? 0) > 1, { what: 'both replicas at work' })
  })
})
