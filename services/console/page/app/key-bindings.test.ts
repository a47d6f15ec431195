import { expect, it } from 'vitest'
import { findBinding, type KeyBinding } from './key-bindings.ts'

const run = (): void => undefined
const binding = (key: string, more: Partial<KeyBinding> = {}): KeyBinding => ({ key, does: key, run, ...more })
const bindings = [binding('j'), binding('g e'), binding('e'), binding('Escape', { whileTyping: true })]

it('a key finds its binding, and a later binding goes before an earlier one', () => {
  const later = binding('j', { does: 'later' })
  expect(findBinding([...bindings, later], { key: 'j', typing: false }).binding).toBe(later)
})

it('the first of two keys waits for the second', () => {
  expect(findBinding(bindings, { key: 'g', typing: false })).toEqual({ pending: 'g' })
  expect(findBinding(bindings, { key: 'e', typing: false }, 'g').binding?.key).toBe('g e')
})

it('a second key that continues nothing is a key of its own', () => {
  expect(findBinding(bindings, { key: 'j', typing: false }, 'g').binding?.key).toBe('j')
  expect(findBinding(bindings, { key: 'q', typing: false }, 'g')).toEqual({})
})

it('while a field is typed in, only keys for that apply', () => {
  expect(findBinding(bindings, { key: 'j', typing: true })).toEqual({})
  expect(findBinding(bindings, { key: 'Escape', typing: true }).binding?.key).toBe('Escape')
})

it('a key that what has the focus takes itself is listed, and finds nothing', () => {
  expect(findBinding([{ key: 'ArrowDown', does: 'next row' }], { key: 'ArrowDown', typing: false })).toEqual({})
})
