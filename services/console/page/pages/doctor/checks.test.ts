import { expect, it } from 'vitest'
import { type Check, worstFirst } from './checks.ts'

it('problems come before warnings, and what is well comes last, each in its order', () => {
  const check = (name: string, status: Check['status']): Check => ({ name, status, message: '' })
  const found = worstFirst([
    check('a', 'ok'),
    check('b', 'warning'),
    check('c', 'problem'),
    check('d', 'ok'),
    check('e', 'problem'),
  ])
  expect(found.map(({ name }) => name)).toEqual(['c', 'e', 'b', 'a', 'd'])
})
