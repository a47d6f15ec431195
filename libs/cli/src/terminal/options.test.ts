// What is typed, and what it means.
import { describe, expect, it } from 'vitest'
import { collectPairs, count, moment, seconds } from './options.ts'

describe('options', () => {
  it('take context as pairs, with JSON where it is JSON', () => {
    const pairs = collectPairs('note=a=b', collectPairs('port=8080', collectPairs('tags=["x"]')))
    expect(pairs).toEqual({ tags: ['x'], port: 8080, note: 'a=b' })
    expect(() => collectPairs('novalue')).toThrow('key=value')
    expect(() => collectPairs('=x')).toThrow('key=value')
  })

  it('refuse JSON that would be read otherwise than it says', () => {
    expect(() => collectPairs('id=9007199254740993')).toThrow('quote it')
    expect(() => collectPairs('x={"a":1,"a":2}')).toThrow('occurs twice')
    expect(collectPairs('id="9007199254740993"')).toEqual({ id: '9007199254740993' })
  })

  it('take a time, or how long ago it was', () => {
    expect(moment('2026-11-21T08:00:00Z')).toBe('2026-11-21T08:00:00.000Z')
    expect(Math.abs(Date.now() - Date.parse(moment('2h')) - 7_200_000)).toBeLessThan(60_000)
    expect(() => moment('yesterday')).toThrow('must be a time')
  })

  it('refuse numbers that mean nothing', () => {
    expect(seconds('1.5')).toBe(1_500)
    for (const text of ['0', '-1', 'NaN', '', '1e9']) expect(() => seconds(text)).toThrow('must be')
    for (const text of ['0', '1.5']) expect(() => count(text)).toThrow('whole number')
    expect(() => count('x')).toThrow('must be a number')
  })
})
