import { SERVICES } from '@deed/proto/contract'
import { expect, it } from 'vitest'
import { concernsOf, NEEDED, type World } from './attention.ts'
import { perMinute } from './series.ts'

const services = NEEDED.map((service) => ({ service, instance: service, version: '1' }))
const texts = (world: World): string[] => concernsOf(world).map(({ text }) => text)

it('a mesh in which nothing is wrong and nobody waits has no concern', () => {
  const inbox = { approvals: [], tasks: [], next_cursor: null, next_tasks_cursor: null }
  const lately = { by_status: { done: 3 } } as unknown as World['lately']
  expect(concernsOf({ alerts: [], inbox, lately, services })).toEqual([])
})

it('what has not been read yet is no concern', () => {
  expect(concernsOf({})).toEqual([])
})

it('services that do not answer are named', () => {
  const there = services.filter(({ service }) => !['executor', 'semantic-cache'].includes(service))
  expect(texts({ services: there })).toEqual(['executor, semantic-cache do not answer'])
})

it('the services that the mesh needs are those of the contracts', () => {
  const known: readonly string[] = SERVICES
  expect(NEEDED.filter((name) => !known.includes(name))).toEqual([])
  expect(known.filter((name) => name !== 'console' && !(NEEDED as readonly string[]).includes(name))).toEqual([])
})

it('alerts that fire come worst first, without those that are pending or silenced', () => {
  const alert = (name: string, more: object): NonNullable<World['alerts']>[number] => ({
    name,
    state: 'firing',
    labels: {},
    severity: 'warning',
    value: 1,
    since: '2026-01-01T00:00:00.000Z',
    summary: 'x',
    runbook: 'x',
    silenced: false,
    ...more,
  })
  const alerts = [
    alert('a', {}),
    alert('b', { severity: 'critical' }),
    alert('c', { silenced: true }),
    alert('d', { state: 'pending' }),
  ]
  expect(texts({ alerts })).toEqual(['b: x', 'a: x'])
})

it('who waits is counted by kind, with the highest level and the oldest time', () => {
  const inbox = {
    approvals: [
      { level: 1, asked_at: '2026-01-01T00:00:00.000Z' },
      { level: 3, asked_at: '2026-01-02T00:00:00.000Z' },
    ],
    tasks: [{ kind: 'choose', asked_at: '2026-01-03T00:00:00.000Z' }],
    next_cursor: 'more',
    next_tasks_cursor: null,
  } as unknown as NonNullable<World['inbox']>
  expect(concernsOf({ inbox })).toMatchObject([
    { text: '2+ approvals wait, up to level 3', since: Date.UTC(2026, 0, 1), href: '/inbox?kind=approve' },
    { text: '1 question waits', href: '/inbox?kind=choose' },
  ])
})

it('executions that failed lately lead to the very rows', () => {
  const lately = { by_status: { failed: 1, rollback_failed: 2 } } as unknown as World['lately']
  expect(concernsOf({ lately })).toMatchObject([
    { text: '2 executions could not be undone in the last hour', href: '/executions?status=rollback_failed&since=1h' },
    { text: '1 execution failed in the last hour', href: '/executions?status=failed&since=1h' },
  ])
})

it('a chart has a point for each minute, also for those without executions', () => {
  const history = {
    now: '2026-01-01T00:05:30.000Z',
    points: [{ start: '2026-01-01T00:04:00.000Z', total: 7, p95_ms: null }],
  } as unknown as Parameters<typeof perMinute>[0]
  expect(perMinute(history, 3, ({ total }) => total, 0, 'UTC')).toEqual([
    { label: '00:03', value: 0 },
    { label: '00:04', value: 7 },
    { label: '00:05', value: 0 },
  ])
  expect(perMinute(history, 2, ({ p95_ms: ms }) => ms, null, 'UTC').map(({ value }) => value)).toEqual([null, null])
})
