// Workers by their heartbeats, with what they do now: on a real PostgreSQL and a real NATS server.
import type { FencingToken, TaskId } from '@deed/proto/ids'
import { listWorkers as contract } from '@deed/proto/worker'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask, openWorld, PEOPLE, type World } from '../../test/open-world.ts'
import { recordHeartbeat } from '../store/agents.ts'
import { listWorkers } from './list-workers.ts'

const opened = new AsyncDisposableStack()
let world: World

beforeAll(async () => {
  world = await openWorld(opened)
})
afterAll(() => opened.disposeAsync())

const uuid = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const page = async (input: object = {}, by: keyof typeof PEOPLE = 'requester') =>
  contract.output.parse(await ask(listWorkers(world), PEOPLE[by], contract.input.parse(input)))

it('are listed with their slots and with the tasks of the own tenant alone, a page at a time', async () => {
  const { pool } = world.db
  for (const [n, tenant] of [
    [1, 'local'],
    [2, 'elsewhere'],
  ] as const) {
    await pool.query(
      `insert into desired_state (tenant, task_id, execution_id, position, name, title, task_kind, capability, desired_status)
       values ($1, $2, $2, 0, 'write', 'write the note', 'act', 'act', 'done')`,
      [tenant, uuid(n)],
    )
    await pool.query(
      `insert into actual_state (tenant, task_id, execution_id, task_kind, actual_status, token, last_attempt)
       values ($1, $2, $2, 'act', 'in_progress', 1, now() - interval '90 seconds')`,
      [tenant, uuid(n)],
    )
  }
  const running = [1, 2].map((n) => ({ task_id: uuid(n) as TaskId, token: 1 as FencingToken }))
  const beat = { capability: 'act', slots: 4, draining: false, leaseMs: 60_000, running: [] } as const
  await recordHeartbeat(world.db, { ...beat, agentId: 'executor-a', running })
  await recordHeartbeat(world.db, { ...beat, agentId: 'executor-b', draining: true })
  await recordHeartbeat(world.db, { ...beat, agentId: 'hybrid-agent-c', capability: 'solve' })
  await recordHeartbeat(world.db, { ...beat, agentId: 'executor-z' })
  await pool.query(`update agents set last_seen = now() - interval '1 minute' where agent_id = 'executor-z'`)

  const { workers, services, next_cursor: last } = await page()
  expect(workers).toMatchObject([
    { worker_id: 'executor-a', service: 'executor', status: 'busy', slots: 4, running: 2 },
    { worker_id: 'executor-b', service: 'executor', status: 'draining', running: 0, tasks: [] },
    { worker_id: 'hybrid-agent-c', service: 'hybrid-agent', status: 'idle', tasks: [] },
  ])
  const [busy] = workers
  expect(busy?.tasks).toMatchObject([
    { task_id: uuid(1), execution_id: uuid(1), title: 'write the note', intent: 'do' },
  ])
  const forMs = Date.parse(busy!.last_seen) - Date.parse(busy!.tasks[0]!.since)
  expect(forMs).toBeGreaterThanOrEqual(90_000)
  expect(last).toBeNull()
  // The test stands in for the executor; the orchestrator has a connection, and serves nothing here.
  expect(services.map(({ service }) => service)).toEqual(['executor'])

  expect((await page({}, 'stranger')).workers[0]?.tasks).toMatchObject([{ task_id: uuid(2) }])
  expect((await page({ gone: true })).workers.map(({ status }) => status)).toEqual(['busy', 'draining', 'gone', 'idle'])
  const first = await page({ limit: 2 })
  expect(first.next_cursor).toBe('executor-b')
  const second = await page({ limit: 2, cursor: first.next_cursor })
  expect(second.workers.map(({ worker_id: id }) => id)).toEqual(['hybrid-agent-c'])
  expect(second).toMatchObject({ services: [], next_cursor: null })
})
