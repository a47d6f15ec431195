import { expect, it } from 'vitest'
import { bytes } from './bytes.ts'

it('a size has the unit in which it is short', () => {
  expect([0, 850, 12_400, 3_149_000].map(bytes)).toEqual(['0 B', '850 B', '12.4 KB', '3.1 MB'])
})
