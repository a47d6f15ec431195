// How a template did, by day, over a real NATS server and a real PostgreSQL.
import { testBus } from '@deed/local/test-bus'
import { templateHistory as contract } from '@deed/proto/template'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { expect, it } from 'vitest'
import { migrations } from '../store/migrations.ts'
import { recordUses, type TemplateUse } from '../store/template-outcomes.ts'
import { templateHistory } from './template-history.ts'

const ID = 'own.consumer'

function use(facts: Partial<TemplateUse>): TemplateUse {
  const template = { templateId: ID, templateVersion: 1, taskType: 'testing' }
  const outcome = { success: true, timeMs: 100, quality: null, costUsd: 0 }
  return { tenant: 'local', executionId: crypto.randomUUID(), ...template, ...outcome, ...facts }
}

it('the history of a template has each day and version with its uses, and neither other tenants nor older days', async () => {
  await using mesh = await testBus()
  await using store = await testDatabase<unknown>('template_optimizer', migrations)
  const bus = await mesh.bus('template-optimizer')
  bus.serve(contract, templateHistory({ store }))
  const client = await mesh.bus('deed')
  const acme = { principal: { tenant: 'acme', user: 'ann' } }
  expect(await client.call(contract, { id: ID })).toEqual({ days: [] })

  const [first, second] = [use({ quality: 0.5, costUsd: 0.25 }), use({ success: false, timeMs: 300 })]
  const [newer, foreign, other] = [
    use({ templateVersion: 2 }),
    use({ tenant: 'acme', timeMs: 7 }),
    use({ templateId: 'another' }),
  ]
  const [oldest, tooOld] = [use({ timeMs: 20 }), use({})]
  await recordUses(store, createLogger('test'), [first, second, newer, foreign, other, oldest, tooOld])
  const backdate = (executionId: string, days: number) =>
    store.query(
      'backdate',
      `update template_outcomes set recorded_at = date_trunc('day', now(), 'UTC') - make_interval(days => $2::int)
        where execution_id = $1`,
      [executionId, days],
    )
  await backdate(oldest.executionId, 6)
  await backdate(tooOld.executionId, 7)
  const [today] = await store.query<{ day: string; six: string }>(
    'today',
    `select to_char(now() at time zone 'utc', 'YYYY-MM-DD') as day,
            to_char(now() at time zone 'utc' - interval '6 days', 'YYYY-MM-DD') as six`,
    [],
  )

  const one = { version: 1, uses: 1, successes: 1, average_ms: 100, quality: null, cost_usd: 0 }
  expect(await client.call(contract, { id: ID, days: 7 })).toEqual({
    days: [
      { ...one, day: today?.six, average_ms: 20 },
      { ...one, day: today?.day, uses: 2, average_ms: 200, quality: 0.5, cost_usd: 0.25 },
      { ...one, day: today?.day, version: 2 },
    ],
  })
  expect((await client.call(contract, { id: ID, days: 1 })).days.map(({ version }) => version)).toEqual([1, 2])
  expect(await client.call(contract, { id: ID }, acme)).toEqual({
    days: [{ ...one, day: today?.day, average_ms: 7 }],
  })
  await expect(client.call(contract, { id: ID, days: 181 })).rejects.toMatchObject({ path: '$.days' })
})
