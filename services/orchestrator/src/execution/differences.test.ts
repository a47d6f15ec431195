import { describe, expect, it } from 'vitest'
import { changesOf, differences } from './differences.ts'

describe('two requests', () => {
  it.each([
    [{ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 }, []],
    [{ a: 1 }, { a: 2 }, ['$.a']],
    [{ a: 1 }, {}, ['$.a']],
    [{}, { a: { b: 1 } }, ['$.a']],
    [{ z: { y: { x: 'secret', w: 1 } }, a: 1 }, { z: { y: { x: 'other', w: 1 } }, a: 2 }, ['$.a', '$.z.y.x']],
    [{ a: [1, 2] }, { a: [2, 1] }, ['$.a']],
    [{ a: {} }, { a: null }, ['$.a']],
    [{ a: undefined }, {}, []],
  ])('%j and %j differ in %j', (one, other, paths) => {
    expect(differences(one, other)).toEqual(paths)
    expect(differences(other, one)).toEqual(paths)
  })

  it('that differ everywhere say so in few words', () => {
    const many = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`k${index}`, index]))
    expect(differences(many, {})).toHaveLength(10)
  })
})

describe('what changed', () => {
  it('is shown with the earlier and the current value, shortened', () => {
    expect(changesOf({ a: 'x', 'b.c': 1 }, { a: 'y'.repeat(300), 'b.c': 2 })).toEqual([
      { path: '$.a', before: 'x', after: `${'y'.repeat(200)} ...` },
      { path: '$.b.c', before: '1', after: '2' },
    ])
    expect(changesOf({}, { d: { e: null } })).toEqual([{ path: '$.d', before: '-', after: '{"e":null}' }])
  })
})
