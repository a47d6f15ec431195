// A real nats-server, whose stream loses its storage, and a real PostgreSQL.
import { testBus } from '@deed/local/test-bus'
import { ensureIntake } from '@deed/mesh/work-queue'
import { intakeStream, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { testDatabase } from '@deed/store/test-database'
import { describe, expect, it } from 'vitest'
import { migrations } from '../store/migrations.ts'
import type { Schema } from '../store/schema.ts'
import { countLost } from './count-lost.ts'

describe('submissions that were acknowledged and are lost', () => {
  it('are counted when the stream was made again, and when it begins behind them, and no others are', async () => {
    await using mesh = await testBus()
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const bus = await mesh.bus('deed')
    const { nc } = bus
    const stream = intakeStream('local')
    const submit = async (count: number) => {
      for (let one = 0; one < count; one++) await nc.jetstream().publish(SUBMIT_SUBJECT, '{}')
    }
    const taken = (sequence: number) =>
      db.pool.query('insert into submissions (tenant, sequence, execution_id) values ($1, $2, gen_random_uuid())', [
        'local',
        sequence,
      ])
    const lost = async () => {
      const counted = await countLost(db, bus, 'local')
      return [counted?.now, counted?.total]
    }
    const manager = await nc.jetstreamManager()

    expect(await lost()).toEqual([0, 0])
    await submit(7)
    await taken(1)
    await taken(3)
    expect(await lost()).toEqual([0, 0])
    await manager.streams.delete(stream)
    expect(await countLost(db, bus, 'local')).toBeUndefined()
    await ensureIntake(nc, 'local')
    // 2, 4, 5, 6 and 7; once.
    expect(await lost()).toEqual([5, 5])
    expect(await lost()).toEqual([0, 5])

    // The numbers begin again, and find nothing of before.
    const { rows } = await db.pool.query('select from submissions')
    expect(rows).toEqual([])
    await submit(3)
    await taken(1)
    expect(await lost()).toEqual([0, 5])
    // One whose messages can be taken away, as by a disk.
    await manager.streams.delete(stream)
    await manager.streams.add({ name: stream, subjects: [SUBMIT_SUBJECT] })
    expect(await lost()).toEqual([2, 7])
    await submit(4)
    await taken(2)
    expect(await lost()).toEqual([0, 7])
    await manager.streams.purge(stream)
    expect(await lost()).toEqual([3, 10])
    expect(await countLost(db, bus, 'nobody')).toBeUndefined()
  })
})
