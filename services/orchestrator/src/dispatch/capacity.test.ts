// Who gets the slots that workers have announced, with hand-made executions.
import type { ExecutionId } from '@deed/proto/ids'
import { OWN_SLOTS } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { type Capacity, capacityOf } from './capacity.ts'

const READ = { capability: 'act', pace: 'read' } as const
const SHORT = { capability: 'act', pace: 'short' } as const
const CHANGE = { capability: 'act', pace: 'long' } as const

const asking = (id: string) => ({ id: id as ExecutionId, tenant: 'local', priority: 5 })

/** @param slotOf what a woken execution takes */
function withSlots(slots: number): { capacity: Capacity; woken: string[] } {
  const woken: string[] = []
  const capacity: Capacity = capacityOf(async (id) => {
    woken.push(id)
    capacity.take(id.startsWith('read') ? READ : CHANGE, asking(id))
  })
  capacity.announce('act', slots, 0)
  return { capacity, woken }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('slots of the workers', () => {
  it('leave room for reads where everything else is taken, and no more than there is', () => {
    const { capacity } = withSlots(1)
    expect(capacity.take(CHANGE, asking('change-0'))).toBe(true)
    expect(capacity.take(CHANGE, asking('change-1'))).toBe(false)
    const reads = Array.from({ length: OWN_SLOTS.read + 1 }, (_, n) => capacity.take(READ, asking(`read-${n}`)))
    expect(reads).toEqual([...Array.from({ length: OWN_SLOTS.read }, () => true), false])
    expect(capacity.waitingOf('local')).toBe(2)
  })

  it('leave room for short changes where everything else is taken, besides that of reads', () => {
    const { capacity } = withSlots(1)
    expect(capacity.take(CHANGE, asking('change'))).toBe(true)
    const shorts = Array.from({ length: OWN_SLOTS.short + 1 }, (_, n) => capacity.take(SHORT, asking(`short-${n}`)))
    expect(shorts.filter(Boolean)).toHaveLength(OWN_SLOTS.short)
    expect(shorts.at(-1)).toBe(false)
    expect(capacity.take(READ, asking('read'))).toBe(true)
    expect(capacity.take(CHANGE, asking('change-late'))).toBe(false)
  })

  it('are given to reads and to others in turn, so that neither keeps the other out', async () => {
    const { capacity, woken } = withSlots(1)
    expect(capacity.take(CHANGE, asking('change'))).toBe(true)
    for (let n = 0; n < OWN_SLOTS.read; n++) expect(capacity.take(READ, asking(`read-own-${n}`))).toBe(true)
    for (let n = 0; n < 3; n++) {
      expect(capacity.take(READ, asking(`read-${n}`))).toBe(false)
      expect(capacity.take(CHANGE, asking(`change-${n}`))).toBe(false)
    }
    // Whatever ends in the slot that is everybody's makes room for one of each kind in turn.
    for (let ended: typeof READ | typeof CHANGE = CHANGE; woken.length < 6; ) {
      capacity.release(ended)
      await turn()
      ended = woken.at(-1)?.startsWith('read') ? READ : CHANGE
    }
    const kinds = woken.map((id) => id.split('-')[0])
    expect(kinds.filter((kind) => kind === 'read')).toHaveLength(3)
    expect(kinds.slice(0, 4).sort()).toEqual(['change', 'change', 'read', 'read'])
    expect(woken.filter((id) => id.startsWith('change'))).toEqual(['change-0', 'change-1', 'change-2'])
    expect(capacity.waitingOf('local')).toBe(0)
  })

  it('are not counted for reads alone where no worker has announced any', () => {
    const { capacity } = withSlots(0)
    expect(capacity.take(READ, asking('read-0'))).toBe(false)
    expect(capacity.take(CHANGE, asking('change-0'))).toBe(false)
  })
})
