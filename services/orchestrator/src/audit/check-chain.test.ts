// A chain as the core writes it, then spoiled in each of the ways that it could be.
import type { ExecutionId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { draftOf, record } from '../execution/draft.ts'
import { emptySnapshot, newExecution } from '../execution/new-execution.ts'
import type { Chain } from '../store/audit-log.ts'
import { brokenAt } from './check-chain.ts'

describe('the chain of an execution', () => {
  it('holds as it was written', () => {
    expect(brokenAt(chain())).toBeUndefined()
  })

  const spoiled: [string, number, (chain: Chain) => void][] = [
    ['a changed row', 2, ({ rows }) => Object.assign(rows[1]?.data ?? {}, { name: 'other' })],
    ['a changed time', 1, ({ rows }) => Object.assign(rows[0] ?? {}, { at: '2026-01-01T00:00:00.001Z' })],
    ['a removed row', 2, ({ rows }) => rows.splice(1, 1)],
    ['two rows in the wrong order', 2, ({ rows }) => rows.splice(1, 2, ...rows.slice(1, 3).reverse())],
    ['a tail that was cut off', 3, ({ rows }) => rows.splice(2)],
    ['a row that was added', 5, (chain) => chain.rows.push({ ...chain.rows[3]!, seq: 5 })],
    ['a chain that was rewritten', 4, (chain) => Object.assign(chain, { audit_hash: 'another' })],
  ]
  it.each(spoiled)('tells of %s at row %i', (_, seq, spoil) => {
    const spoiledChain = chain()
    spoil(spoiledChain)
    expect(brokenAt(spoiledChain)).toMatchObject({ seq })
  })
})

function chain(): Chain {
  const incoming = {
    request: { task: 'x', mode: 'auto' as const, priority: 'normal' as const, dry_run: false },
    principal: { tenant: 'local', user: 'user' },
    trace: '',
    waiter: undefined,
  }
  const draft = draftOf(emptySnapshot(newExecution(incoming, Date.parse('2026-01-01T00:00:00Z'))), 0)
  for (const name of ['a', 'b', 'c', 'd']) record(draft, 'task.done', { name })
  const { execution_id, audit_seq, audit_hash } = draft.execution
  return {
    execution_id: execution_id as ExecutionId,
    audit_seq,
    audit_hash,
    rows: structuredClone(draft.audit) as Chain['rows'],
  }
}
