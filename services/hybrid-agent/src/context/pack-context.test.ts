// What is packed into a prompt of a limited size.
import { describe, expect, it } from 'vitest'
import { type ContextItem, packContext, tokensOf } from './pack-context.ts'

const item = (of: string, value: number, lines: number): ContextItem => ({
  ...{ source: 'similar_code', of, value },
  text: Array.from({ length: lines }, (_, n) => `line ${n} of ${of}`).join('\n'),
})

describe('the context of a prompt', () => {
  it('has everything that fits, the most valuable first', () => {
    const { items, leftOut } = packContext([item('b', 0.2, 2), item('a', 0.9, 2)], 1_000)
    expect([items.map(({ of }) => of), leftOut]).toEqual([['a', 'b'], 0])
  })

  it('prefers what is worth more for each token to what is worth more in all', () => {
    const large = item('large', 0.9, 200)
    const small = [item('one', 0.5, 5), item('two', 0.5, 5), item('three', 0.5, 5)]
    const { items } = packContext([large, ...small], 150)
    expect(items.map(({ of }) => of)).toEqual(['one', 'two', 'three'])
  })

  it('never has more tokens than there is room, and cuts one item at the end of a line', () => {
    const all = [item('a', 0.9, 40), item('b', 0.8, 40), item('c', 0.7, 40)]
    for (const room of [0, 50, 100, 200, 300, 1_000]) {
      const { items, leftOut } = packContext(all, room)
      expect(items.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(room)
      for (const { text, of, tokens } of items) expect(tokensOf(text + of)).toBeLessThanOrEqual(tokens)
      expect(items.filter(({ cut }) => cut).length).toBeLessThanOrEqual(1)
      for (const { text, of } of items) expect(text.endsWith(`of ${of}`)).toBe(true)
      expect(items.length + leftOut).toBe(3)
    }
  })

  it('has equal texts once, and none that is empty', () => {
    const { items } = packContext(
      [
        { ...item('a', 0.1, 1), text: 'same' },
        { ...item('b', 0.9, 1), text: 'same' },
        { ...item('c', 1, 1), text: ' ' },
      ],
      500,
    )
    expect(items.map(({ of }) => of)).toEqual(['b'])
  })
})
