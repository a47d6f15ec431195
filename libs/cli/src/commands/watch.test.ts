// Watching over a real server, with an answer for the one question that it asks.
import { type EmbeddedNats, startNats } from '@deed/local/nats'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { executionEvent, watchExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { z } from 'zod'
import { UnreachableError } from '../terminal/exit-code.ts'
import type { Output } from '../terminal/output.ts'
import { unpainted } from '../terminal/paint.ts'
import { follow } from './watch.ts'

const ID = '01997d0e-0000-7000-8000-000000000001' as ExecutionId
const EXECUTION = { execution_id: ID, status: 'done', task: 'x', percent: 100, current: null, success: true } as const

let opened: AsyncDisposableStack
let nats: EmbeddedNats
let client: Bus
let orchestrator: Bus
let asked: number
let answer: z.input<typeof watchExecution.output>
let printed: unknown[]
/** Before the next answer. */
let held: (() => Promise<void>) | undefined

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
  held = undefined
  orchestrator.serve(watchExecution, async () => {
    asked++
    const first = held
    held = undefined
    await first?.()
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
  // Asked again: the first answer has come.
  await expect.poll(() => asked, { timeout: 60_000 }).toBeGreaterThan(1)
  await nats.kill()
  await ended
  await client[Symbol.asyncDispose]()
})

it('prints no line twice where an event comes before the first comparison is answered', async () => {
  const eventAt = (seq: number) =>
    ({ execution_id: ID, seq, at: '2026-11-29T08:00:00.000Z', type: 'task.leased', data: {} }) as const
  const live = { status: 'running', percent: 0, current: null, task: 'x' } as const
  const subject = executionEvent.subject.replace('*.*', `local.${ID}`)
  const running = { ...EXECUTION, status: 'running' } as const
  // The first comparison was read before the last two events, and is answered behind them.
  held = async () => {
    for (const seq of [1, 2, 3]) {
      orchestrator.nc.publish(subject, JSON.stringify({ ...eventAt(seq), ...live }))
    }
    await orchestrator.nc.flush()
    await expect.poll(() => printed.length).toBe(3)
    answer = { executions: [{ ...running, last_seq: 1 }], events: [] }
    held = async () => {
      answer = { executions: [{ ...running, last_seq: 3 }], events: [eventAt(2), eventAt(3)] }
    }
  }
  const watching = follow(out, client, undefined, 1_000)
  await expect.poll(() => asked, { timeout: 60_000 }).toBeGreaterThan(3)
  expect(printed.map((event) => (event as { seq: number }).seq)).toEqual([1, 2, 3])
  await client[Symbol.asyncDispose]()
  await watching.catch(() => undefined)
})

it('names the task of an execution once, before its first line', async () => {
  const lines: string[] = []
  const at = '2026-11-29T08:00:00.000Z'
  const rows = [1, 2].map((seq) => ({ execution_id: ID, seq, at, type: 'task.leased', data: {} }) as const)
  const ended = { ...rows[0]!, seq: 3, type: 'execution.ended' } as const
  answer = { executions: [{ ...EXECUTION, last_seq: 3, task: 'tidy up' }], events: [...rows, ended] }
  await follow({ ...out, width: 80, print: (text) => lines.push(text) }, client, ID)
  expect(lines).toEqual([
    '00000001  tidy up',
    '08:00:00  00000001  100 %  done  task.leased',
    '08:00:00  00000001  100 %  done  task.leased',
    '08:00:00  00000001  100 %  done  execution.ended',
  ])
})

it('continues after an event that cannot be read', async () => {
  const watching = follow(out, client, ID)
  await expect.poll(() => asked).toBeGreaterThan(0)
  const connection = client.nc.info?.client_id
  orchestrator.nc.publish(executionEvent.subject.replace('*', ID), 'no JSON')
  const at = '2026-11-29T08:00:00.000Z'
  const ended = { execution_id: ID, seq: 1, at, type: 'execution.ended', data: {} } as const
  answer = { executions: [{ ...EXECUTION, last_seq: 1 }], events: [ended] }
  expect(await watching).toBe('done')
  expect(printed).toMatchObject([ended])
  expect(client.nc.info?.client_id).toBe(connection)
})
