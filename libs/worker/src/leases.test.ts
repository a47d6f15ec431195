import { randomUUID } from 'node:crypto'
import { testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import { DeedError } from '@deed/proto/errors'
import { FencingToken, TaskId } from '@deed/proto/ids'
import { heartbeatWorker } from '@deed/proto/task'
import { createLogger } from '@deed/telemetry/logger'
import { expect, it } from 'vitest'
import { openLease } from './lease.ts'
import { openLeases, type Task } from './leases.ts'

it('holds a task once, extends its lease, and ends what the orchestrator no longer wants', async () => {
  await using opened = new AsyncDisposableStack()
  const mesh = opened.use(await testBus())
  const orchestrator = await mesh.bus('orchestrator')
  const stop: Task[] = []
  const beats: { running: readonly Task[]; draining: boolean }[] = []
  orchestrator.serve(heartbeatWorker, async ({ running, draining }) => {
    beats.push({ running, draining })
    return { lease_ms: 60_000, stop }
  })
  const leases = await openLeases({
    bus: await mesh.bus('executor'),
    log: createLogger('executor'),
    service: 'executor',
    capability: 'act',
    workerId: 'one',
    slots: 2,
  })
  const task = { task_id: TaskId.parse(randomUUID()), token: FencingToken.parse(1) }
  const lengths: (number | undefined)[] = []
  const first = leases.hold(task, (leaseMs) => {
    lengths.push(leaseMs)
    return openLease(leaseMs)
  })
  expect(lengths).toEqual([60_000])
  expect(leases.hold(task, openLease)).toBeUndefined()
  await until(() => beats.some(({ running }) => running.length === 1))
  expect(first?.lease.signal.aborted).toBe(false)

  const newer = { ...task, token: FencingToken.parse(2) }
  expect(() => leases.hold(newer, openLease)).toThrow('an older attempt')
  expect(first?.lease.signal.reason).toMatchObject({ code: 'lease_lost' })
  first?.[Symbol.dispose]()
  const second = leases.hold(newer, openLease)

  stop.push(newer)
  await until(() => second?.lease.signal.aborted === true)
  expect(second?.lease.signal.reason).toMatchObject({ code: 'cancelled' })
  second?.[Symbol.dispose]()

  await leases.drain()
  leases.stopAll(new DeedError('unavailable', 'this worker is shutting down'))
  const late = leases.hold({ ...task, token: FencingToken.parse(3) }, openLease)
  expect(late?.lease.signal.reason).toMatchObject({ code: 'unavailable' })
  await leases[Symbol.asyncDispose]()
  expect(beats.at(-1)).toMatchObject({ draining: true })
})
