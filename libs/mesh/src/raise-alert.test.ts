// A real server, and a caller's own subscription.

import { testBus } from '@deed/local/test-bus'
import { alert } from '@deed/proto/alert'
import { describe, expect, it } from 'vitest'
import { raiseAlert } from './raise-alert.ts'

describe('an alert', () => {
  it('is published on its own subject, with one id per cause', async () => {
    await using mesh = await testBus()
    const client = await mesh.bus('client')
    const heard: ReturnType<typeof alert.payload.parse>[] = []
    client.nc.subscribe('alerts.>', { callback: (_, msg) => heard.push(alert.payload.parse(msg.json())) })
    await client.nc.flush()
    const orchestrator = await mesh.bus('orchestrator')
    const disk = { name: 'disk-full', severity: 'critical', tenant: 'local', message: 'no space is left' } as const
    raiseAlert(orchestrator, { ...disk, cause: 'volume-1' })
    raiseAlert(orchestrator, { ...disk, cause: 'volume-1' })
    raiseAlert(orchestrator, { ...disk, cause: 'volume-2' }, new Date('2026-01-01T00:00:00Z'))
    await expect.poll(() => heard).toHaveLength(3)
    expect(heard[2]).toMatchObject({ ...disk, at: '2026-01-01T00:00:00.000Z', data: {} })
    const [first, again, other] = heard.map(({ alert_id: id }) => id)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
  })
})
