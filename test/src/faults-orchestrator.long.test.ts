// An orchestrator dies at each of its steps: what it had promised is kept by the one that is started after it, or by
// another that runs beside it.
import { join } from 'node:path'
import { ask } from '@deed/drill/harness/ask'
import { checkInvariants } from '@deed/drill/harness/check-invariants'
import { type FaultMesh, faultMesh } from '@deed/drill/harness/fault-mesh'
import { type ServiceProcess, startService } from '@deed/local/service-process'
import { until } from '@deed/process/until'
import { getExecution, requestExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

let under: FaultMesh

beforeAll(async () => {
  under = await faultMesh()
})
afterAll(() => under?.[Symbol.asyncDispose]())
afterEach(() => checkInvariants(under.database))

const POINTS = [
  'before_admit',
  'after_admit',
  'after_think',
  'before_planned',
  'after_planned',
  'before_publish',
  'before_reported',
  'after_reported',
]

/** Two replicas take turns by chance. */
const REQUESTS_MAX = 40

describe('an orchestrator that dies alone', () => {
  it.each(POINTS)('%s: the requester gets its answer from the next one, and it is done once', async (point) => {
    const name = `alone-${point}`
    await under.arm('orchestrator', point)
    const answer = ask(under.client, { task: `write "${point}" to ${name}`, idempotency_key: name })
    await under.revive('orchestrator')
    expect(await answer).toMatchObject({ status: 'done', metrics: { success: true } })
    await doneOnce(name, point)
  })

  it('has stored what was submitted before it acknowledges that: it is executed', async () => {
    const name = 'submitted'
    await under.arm('orchestrator', 'before_admit')
    const body = JSON.stringify({ task: `write "it" to ${name}`, idempotency_key: name })
    // The publish acknowledgement is the stream's, and is the promise.
    await under.client.nc.jetstream().publish(SUBMIT_SUBJECT, body)
    await under.revive('orchestrator')
    const status = async () => (await under.client.call(getExecution, { idempotency_key: name })).status
    await until(async () => (await status()) === 'done', { what: 'the submitted execution', timeoutMs: 60_000 })
    await doneOnce(name, 'it')
  })
})

describe('an orchestrator that dies beside another one', () => {
  let other: ServiceProcess | undefined
  beforeAll(async () => {
    const { mesh } = under
    const [env, logDir] = [mesh.environmentOf('orchestrator'), join(mesh.dataDir, 'logs')]
    other = await startService({ service: 'orchestrator', copy: 1, env, logDir, supervise: false })
  })
  afterAll(() => other?.[Symbol.asyncDispose]())

  it.each(['after_admit', 'after_planned', 'after_reported'])(
    '%s: the other one gives the answer to the caller that had asked the dead one',
    async (point) => {
      await under.arm('orchestrator', point)
      const { pid } = under.mesh.service('orchestrator')
      // One after the other, so that the one it dies with had been admitted. Each asks once, and is answered where it waits.
      for (let count = 0; under.mesh.service('orchestrator').pid === pid; count++) {
        if (count === REQUESTS_MAX) throw new Error('it takes no requests')
        const name = `beside-${point}-${count}`
        const request = { task: `write "${point}" to ${name}`, idempotency_key: name }
        expect(await under.client.call(requestExecution, request)).toMatchObject({ status: 'done' })
        await doneOnce(name, point)
      }
    },
  )
})

async function doneOnce(name: string, content: string): Promise<void> {
  expect(under.read(name)).toBe(content)
  expect(under.files.changesOf(name)).toBe(1)
  const { rows } = await under.database.query('select status from orchestrator.executions where idempotency_key = $1', [
    name,
  ])
  expect(rows).toEqual([{ status: 'done' }])
}
