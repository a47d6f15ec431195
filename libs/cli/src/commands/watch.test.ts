// Watching over a real server, with an answer for the one question that it asks.
import { type EmbeddedNats, startNats } from '@deed/embedded/nats'
import { temporaryFolder } from '@deed/embedded/temporary-folder'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { executionEvent, watchExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { z } from 'zod'
import { UnreachableError } from '../exit-code.ts'
import type { Output } from '../output.ts'
import { unpainted } from '../show/paint.ts'
import { follow } from './watch.ts'

const ID = '01997d0e-0000-7000-8000-000000000001' as ExecutionId
const STANDING = { execution_id: ID, status: 'done', task: 'x', percent: 100, current: null, success: true } as const

let opened: AsyncDisposableStack
let nats: EmbeddedNats
let client: Bus
let orchestrator: Bus
let asked: number
let answer: z.input<typeof watchExecution.output>
let printed: unknown[]

beforeEach(async () => {
  opened = new AsyncDisposableStack()
  const folder = opened.use(temporaryFolder())
  nats = opened.use(await startNats({ dataDir: folder.path }))
  const enter = async (user: 'deed' | 'orchestrator'): Promise<Bus> => {
    const { pass: password } = nats.credentials(user)
    return opened.use(await connectBus({ service: user, url: nats.url, user, password }))
  }
  orchestrator = await enter('orchestrator')
  asked = 0
  answer = { executions: [], events: [] }
  printed = []
  orchestrator.serve(watchExecution, async () => {
    asked++
    return answer
  })
  client = await enter('deed')
})
afterEach(() => opened.disposeAsync())

const out: Output = {
  json: true,
  interactive: false,
  paint: unpainted,
  width: Number.POSITIVE_INFINITY,
  print: () => undefined,
  document: (value) => printed.push(value),
  note: () => undefined,
  progress: () => undefined,
  busy: () => ({ [Symbol.dispose]: () => undefined }),
  ask: async () => undefined,
}

it('ends with the reason when its mesh is gone for good, and so does the connection', async () => {
  const watching = follow(out, client, undefined, 1_000)
  const ended = expect(watching).rejects.toThrow(new UnreachableError('the mesh has not answered for 1 s'))
  await expect.poll(() => asked).toBeGreaterThan(0)
  await nats.kill()
  await ended
  await client[Symbol.asyncDispose]()
})

it('goes on after an event that cannot be read', async () => {
  const watching = follow(out, client, ID)
  await expect.poll(() => asked).toBeGreaterThan(0)
  const connection = client.nc.info?.client_id
  orchestrator.nc.publish(executionEvent.subject.replace('*', ID), 'no JSON')
  const at = '2026-11-29T08:00:00.000Z'
  const ended = { execution_id: ID, seq: 1, at, type: 'execution.ended', data: {} } as const
  answer = { executions: [{ ...STANDING, last_seq: 1 }], events: [ended] }
  expect(await watching).toBe('done')
  expect(printed).toMatchObject([ended])
  expect(client.nc.info?.client_id).toBe(connection)
})
