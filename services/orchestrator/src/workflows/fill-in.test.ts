// Placeholders in values: filled in once, with the type of the value where they are the whole text.
import { describe, expect, it } from 'vitest'
import { fillIn, placeholdersIn } from './fill-in.ts'

describe('a placeholder', () => {
  it('that is the whole of a text becomes the value as it is, at any depth', () => {
    const value = { argv: '{{tests}}', subject: [{ amount: '{{ amount }}' }], n: 1, no: null }
    expect(fillIn(value, { tests: ['npm', 'test'], amount: 5 })).toEqual({
      ...{ argv: ['npm', 'test'], subject: [{ amount: 5 }], n: 1, no: null },
    })
  })

  it('within a text becomes text, and what a value contains is not filled in again', () => {
    expect(fillIn('{{a}} and {{b}} and {{a}}', { a: '{{b}}', b: 2 })).toBe('{{b}} and 2 and {{b}}')
    expect(fillIn('$& {{a}}', { a: '$&' })).toBe('$& $&')
  })

  it('without a value stays, and a secret is none', () => {
    expect(fillIn('{{a}} {{secret.key}} {{constructor}}', {})).toBe('{{a}} {{secret.key}} {{constructor}}')
    expect(placeholdersIn({ x: ['{{a}} {{secret.key}}', { y: '{{b}}' }] })).toEqual(['a', 'b'])
  })
})
