// Turns from a real PostgreSQL, at rates of a thousand a minute, and two replicas that share them.
import { until } from '@deed/process/until'
import type { ExecutionId } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { describe, expect, it } from 'vitest'
import { migrations } from '../store/migrations.ts'
import { reserveTurn } from '../store/rate-limits.ts'
import type { Database, Schema } from '../store/schema.ts'
import { type TargetRates, targetRates } from './target-rates.ts'

const log = createLogger('test')

describe('the rate of a target', () => {
  it('gives turns at its interval after the burst, by the clock of the database', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const rate = { per_minute: 1, burst: 3 }
    const waits: number[] = []
    for (let turn = 0; turn < 6; turn++) waits.push(await reserveTurn(db, 'press', rate))
    expect(waits.slice(0, 3)).toEqual([0, 0, 0])
    // One more minute each, minus what the statements took.
    for (const [index, wait] of waits.slice(3).entries()) {
      expect(wait).toBeLessThanOrEqual((index + 1) * 60_000)
      expect(wait).toBeGreaterThan(index * 60_000)
    }
    await db.query('test.pass', `update rate_limits set arrival = now() - interval '1 hour'`, [])
    expect(await reserveTurn(db, 'press', rate)).toBe(0)
  })

  it('is shared by replicas, in turn between tenants, and nobody waits for ever', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const begun: string[] = []
    using one = replica(db, begun)
    using other = replica(db, begun)
    for (let count = 0; count < 5; count++) one.ask(`a${count}`, 'a')
    one.ask('b0', 'b')
    for (let count = 0; count < 3; count++) other.ask(`c${count}`, 'c')
    await until(() => begun.length === 9)
    expect(begun.filter((id) => !id.startsWith('c')).indexOf('b0')).toBeLessThan(2)
    expect(new Set(begun).size).toBe(9)
    const [row] = await db.query<{ ahead: number }>(
      'test.ahead',
      `select extract(epoch from arrival - now())::float8 as ahead from rate_limits`,
      [],
    )
    // No turn is reserved where nobody waits.
    expect(row?.ahead).toBeLessThan(0.1)
    expect(one.rates.mayBegin('other', { id: 'x' as ExecutionId, tenant: 'a', priority: 5 })).toBe(true)
  })

  it('passes the turn of one that does not begin on to the next', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const begun: string[] = []
    using one = replica(db, begun, new Set(['a0', 'a1']))
    for (let count = 0; count < 4; count++) one.ask(`a${count}`, 'a')
    await until(() => begun.length === 2)
    expect(begun).toEqual(['a2', 'a3'])
  })
})

/** @param cancelled do not begin when they are woken */
function replica(db: Database, begun: string[], cancelled: ReadonlySet<string> = new Set()) {
  const ask = (name: string, tenant: string): void => {
    if (rates.mayBegin('press', { id: name as ExecutionId, tenant, priority: 5 })) begin(name)
  }
  const begin = (name: string): void => {
    rates.began('press')
    begun.push(name)
  }
  const rates: TargetRates = targetRates({
    log,
    rateOf: (target) => (target === 'press' ? { per_minute: 1_200, burst: 1 } : undefined),
    reserve: (target, rate) => reserveTurn(db, target, rate),
    async wake(id) {
      if (!cancelled.has(id)) ask(id, id.slice(0, 1))
    },
  })
  return { rates, ask, [Symbol.dispose]: () => rates[Symbol.dispose]() }
}
