// The order of turns, by example and for any coming and going.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fairQueue } from './fair-queue.ts'

describe('turns', () => {
  it('come to a tenant at once, however many of another wait before it', () => {
    const queue = fairQueue<string>()
    for (let count = 0; count < 10_000; count++) queue.add({ id: `a${count}`, tenant: 'a', priority: 5 }, `a${count}`)
    queue.add({ id: 'b0', tenant: 'b', priority: 5 }, 'b0')
    queue.add({ id: 'b1', tenant: 'b', priority: 5 }, 'b1')
    expect([1, 2, 3, 4, 5].map(() => queue.next())).toEqual(['a0', 'b0', 'a1', 'b1', 'a2'])
    expect(queue.waitingOf('a')).toBe(9_997)
    expect(queue.waitingOf('b')).toBe(0)
  })

  it('orders by priority first, and keeps a place', () => {
    const queue = fairQueue<string>()
    queue.add({ id: 'low', tenant: 'a', priority: 8 }, 'low')
    queue.add({ id: 'normal', tenant: 'a', priority: 5 }, 'normal')
    queue.add({ id: 'later', tenant: 'a', priority: 5 }, 'later')
    queue.add({ id: 'high', tenant: 'b', priority: 2 }, 'high')
    queue.add({ id: 'normal', tenant: 'a', priority: 5 }, 'normal, again')
    expect([1, 2, 3, 4, 5].map(() => queue.next())).toEqual(['high', 'normal, again', 'later', 'low', undefined])
  })

  it('come in the order that was decided for a tenant, also to what was queued before, and leave other tenants theirs', () => {
    let order: string[] = []
    const queue = fairQueue<string>((tenant) => (tenant === 'a' ? order : []))
    for (const id of ['a1', 'a2', 'a3']) queue.add({ id, tenant: 'a', priority: 5 }, id)
    for (const id of ['b1', 'b2']) queue.add({ id, tenant: 'b', priority: 5 }, id)
    queue.add({ id: 'urgent', tenant: 'a', priority: 2 }, 'urgent')
    order = ['gone', 'a3', 'a2']
    expect(Array.from({ length: 7 }, () => queue.next())).toEqual(['urgent', 'a3', 'b1', 'a2', 'b2', 'a1', undefined])
  })

  it('lose nobody, come to each once, and in between two of one tenant to every other that waits', () => {
    const coming = fc.record({
      id: fc.integer({ min: 0, max: 40 }),
      tenant: fc.constantFrom('a', 'b', 'c'),
      leave: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(coming, { maxLength: 120 }), (comings) => {
        const queue = fairQueue<string>()
        const waiting = new Map<string, string>()
        for (const { id, tenant, leave } of comings) {
          const name = `${tenant}${id}`
          if (leave) {
            queue.remove(name)
            waiting.delete(name)
          } else {
            queue.add({ id: name, tenant, priority: 5 }, name)
            waiting.set(name, tenant)
          }
        }
        expect(queue.size).toBe(waiting.size)
        let sinceTurn = new Map<string, number>()
        for (let name = queue.next(); name !== undefined; name = queue.next()) {
          const tenant = waiting.get(name) ?? 'nobody'
          expect(waiting.delete(name)).toBe(true)
          sinceTurn = new Map([...sinceTurn].map(([other, turns]) => [other, other === tenant ? 0 : turns + 1]))
          if (!sinceTurn.has(tenant)) sinceTurn.set(tenant, 0)
          for (const other of new Set(waiting.values())) expect(sinceTurn.get(other) ?? 0).toBeLessThan(3)
        }
        expect(waiting.size).toBe(0)
        expect(queue.size).toBe(0)
      }),
    )
  })
})
