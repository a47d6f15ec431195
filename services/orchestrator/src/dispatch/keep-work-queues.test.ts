// A real nats-server, whose work queue is deleted, and a real PostgreSQL.
import { testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { describe, expect, it, vi } from 'vitest'
import { migrations } from '../store/migrations.ts'
import type { Schema } from '../store/schema.ts'
import { keepWorkQueues } from './keep-work-queues.ts'

describe('a work queue that is deleted', () => {
  it('is made again and reported though the database fails, and JetStream is not blamed for that', async () => {
    await using mesh = await testBus()
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const bus = await mesh.bus('deed')
    const raised = vi.spyOn(bus, 'announce').mockImplementation(() => undefined)
    const log = createLogger('test')
    const failed = vi.spyOn(log, 'warn').mockImplementation(() => undefined)
    vi.spyOn(log, 'error').mockImplementation(() => undefined)
    await using queues = await keepWorkQueues(db, bus, log, ['local'], 1)
    const failsAgain = async (): Promise<void> => {
      const before = failed.mock.calls.length
      queues.checkNow()
      await until(() => failed.mock.calls.length > before)
    }

    await db.pool.query('alter table intakes rename to elsewhere')
    await failsAgain()
    expect(queues.missing()).toEqual([])
    await (await bus.nc.jetstreamManager()).streams.delete('WORK')
    await until(() => {
      queues.checkNow()
      return raised.mock.calls.length > 0
    })
    expect(raised.mock.calls[0]?.slice(0, 3)).toMatchObject([
      expect.anything(),
      ['local', 'work-queue-missing'],
      [{ message: expect.stringContaining('stream WORK was missing; creating it again') }],
    ])
    await failsAgain()
    await until(() => {
      queues.checkNow()
      return queues.missing().length === 0
    })
    expect(raised).toHaveBeenCalledOnce()
  })

  it('is not known of while JetStream does not answer, and that is said', async () => {
    await using mesh = await testBus()
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const bus = await mesh.bus('deed')
    const log = createLogger('test')
    vi.spyOn(log, 'warn').mockImplementation(() => undefined)
    await using queues = await keepWorkQueues(db, bus, log, ['local'], 1)
    await mesh.kill()
    queues.checkNow()
    await until(() => queues.missing().includes('JetStream does not answer'))
  })
})
