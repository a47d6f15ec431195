// The servers beneath the mesh are killed under load, and come back; and each service is restarted under load.

import { rollingRestart } from '@deed/drill/faults/rolling-restart'
import { ask } from '@deed/drill/harness/ask'
import { checkInvariants } from '@deed/drill/harness/check-invariants'
import { type FaultMesh, faultMesh } from '@deed/drill/harness/fault-mesh'
import { randomFrom } from '@deed/drill/harness/random'
import { trialOn, tryFault } from '@deed/drill/harness/try-fault'
import { until } from '@deed/process/until'
import { getExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Much more than is worked on at once, so that the first answers are not all. */
const LOAD = 300
const SUBMITS = 10

let under: FaultMesh

beforeAll(async () => {
  under = await faultMesh({ supervise: true })
})
afterAll(() => under?.[Symbol.asyncDispose]())

describe('a server that is killed under load', () => {
  it.each(['nats', 'postgres'] as const)('%s: everything that was asked for is done, once', async (server) => {
    const { client, mesh } = under
    const names = Array.from({ length: LOAD }, (_, index) => `${server}-${index}`)
    let answered = 0
    const answers = names.map(async (name) => {
      const reply = await ask(client, { task: `write "it" to ${name}`, idempotency_key: name })
      answered++
      return reply
    })
    const submitted = await submittedNames(server)
    await Promise.race(answers)
    process.kill(mesh[server]?.pid ?? 0, 'SIGKILL')
    expect(answered).toBeLessThan(LOAD)
    for (const reply of await Promise.all(answers)) expect(reply).toMatchObject({ status: 'done' })
    for (const name of submitted) await until(async () => (await statusOf(name)) === 'done', { what: name })
    for (const name of [...names, ...submitted]) {
      expect(under.read(name)).toBe('it')
      expect(under.files.changesOf(name), name).toBe(1)
    }
    await checkInvariants(under.database)
  })
})

describe('each service in turn', () => {
  it('is restarted under load, and nothing is lost, done twice or refused to a client that repeats', async () => {
    expect(await tryFault(rollingRestart, trialOn(under, randomFrom(1), rollingRestart.id))).toBe('held')
  }, 240_000)
})

describe('a goal of several tasks', () => {
  it('waits for a decomposer, rather than being given to a model as a whole', async () => {
    const { client, mesh } = under
    const decomposer = mesh.service('task-decomposer')
    expect(await decomposer.stop()).toBe(0)
    const task = 'write "1" to part-1, then write "2" to part-2'
    const answer = ask(client, { task, idempotency_key: 'parts' })
    const { rows } = await until(async () => {
      const found = await under.database.query(
        `select status from orchestrator.executions where idempotency_key = 'parts'`,
      )
      return found.rows.length > 0 ? found : undefined
    })
    expect(rows).toEqual([{ status: 'planning' }])
    await decomposer.start()
    const reply = await answer
    expect(reply).toMatchObject({ status: 'done', method: 'autonomous' })
    expect(reply.metrics.degraded).toBeUndefined()
    expect([under.read('part-1'), under.read('part-2')]).toEqual(['1', '2'])
    await checkInvariants(under.database)
  })
})

/** Submits, and gives the names of those that the stream has acknowledged: all, at this time. */
async function submittedNames(server: string): Promise<string[]> {
  const names = Array.from({ length: SUBMITS }, (_, index) => `${server}-submitted-${index}`)
  const stream = under.client.nc.jetstream()
  await Promise.all(
    names.map((name) =>
      stream.publish(SUBMIT_SUBJECT, JSON.stringify({ task: `write "it" to ${name}`, idempotency_key: name })),
    ),
  )
  return names
}

const statusOf = async (key: string): Promise<string> =>
  (await under.client.call(getExecution, { idempotency_key: key })).status
