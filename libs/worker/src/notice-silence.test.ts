// A real server and two workers; the test provides the time.

import { testBus } from '@deed/local/test-bus'
import { alert } from '@deed/proto/alert'
import { describe, expect, it } from 'vitest'
import { BACK_ALERT, noticeSilence, SILENT_ALERT } from './notice-silence.ts'

describe('the silence of all orchestrators', () => {
  it('is reported once, by whichever worker notices it, and once more when it has ended', async () => {
    await using mesh = await testBus()
    const client = await mesh.bus('client')
    const heard: ReturnType<typeof alert.payload.parse>[] = []
    client.nc.subscribe('alerts.>', { callback: (_, msg) => heard.push(alert.payload.parse(msg.json())) })
    await client.nc.flush()
    let now = Date.parse('2026-11-21T12:00:00Z')
    const buses = [await mesh.bus('executor'), await mesh.bus('hybrid-agent')]
    const workers = buses.map((bus) => noticeSilence(bus, () => now))
    for (const bus of buses) await bus.nc.flush()
    const pass = async (ms: number) => {
      now += ms
      for (const worker of workers) {
        worker.unanswered()
        for (const bus of buses) await bus.nc.flush()
      }
    }
    await pass(0)
    await pass(4_999)
    expect(heard).toEqual([])
    await pass(1)
    await pass(60_000)
    await expect.poll(() => heard).toHaveLength(1)
    expect(heard[0]).toMatchObject({ name: SILENT_ALERT, severity: 'critical', data: { since: expect.any(String) } })
    for (const worker of workers) worker.answered()
    await expect.poll(() => heard.filter(({ name }) => name === BACK_ALERT)).toHaveLength(2)
    expect(new Set(heard.map(({ alert_id: id }) => id)).size).toBe(2)
    for (const worker of workers) worker.answered()
    await pass(0)
    await client.nc.flush()
    expect(heard).toHaveLength(5)
  })
})
