import { verifyAudit } from '@deed/proto/audit'
import { expect, it } from 'vitest'
import { added } from './chain.ts'

const page = (more: object = {}) =>
  verifyAudit.output.parse({
    executions: 2,
    rows: 10,
    anchors: 1,
    anchor: { number: 7, hash: 'ab' },
    next_cursor: '0194a000-7000-7abc-8def-000000000001',
    broken: null,
    broken_anchor: null,
    ...more,
  })

it('pages are added up, and the newest anchor is that of the first', () => {
  const so = added(added(undefined, page()), page({ anchor: { number: 3, hash: 'cd' }, next_cursor: null }))
  expect(so).toMatchObject({ executions: 4, rows: 20, anchors: 2, anchor: { number: 7 }, ended: true })
})

it('the first row that was changed ends it, although there are more pages', () => {
  const broken = { execution_id: '0194a000-7000-7abc-8def-000000000002', seq: 3, why: 'its hash differs' }
  expect(added(undefined, page()).ended).toBe(false)
  expect(added(undefined, page({ broken }))).toMatchObject({ ended: true, broken: { seq: 3 } })
  expect(added(undefined, page({ broken_anchor: { number: 1, why: 'x' } })).ended).toBe(true)
})
