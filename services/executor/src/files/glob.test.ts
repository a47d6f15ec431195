import { describe, expect, it } from 'vitest'
import { globOf, isGlob } from './glob.ts'

const matches = (pattern: string, path: string): boolean => {
  const { base, matches: fits } = globOf(pattern.split('/'))
  const segments = path.split('/')
  return base.every((name, index) => segments[index] === name) && fits(segments.slice(base.length))
}

describe('a glob', () => {
  it.each([
    ['*.log', 'a.log', true],
    ['*.log', 'logs/a.log', false],
    ['*.log', 'a.log.1', false],
    ['*', '.env', false],
    ['.*', '.env', true],
    ['?.txt', 'ä.txt', true],
    ['?.txt', '\u{1f600}.txt', true],
    ['?.txt', 'ab.txt', false],
    ['src/**', 'src/a/b/c.ts', true],
    ['src/**', 'lib/a.ts', false],
    ['src/**/*.ts', 'src/a.ts', true],
    ['src/**/*.ts', 'src/a/b/c.ts', true],
    ['src/**/test/*.ts', 'src/a/b/c.ts', false],
    ['**/b/**/d', 'a/b/c/b/d', true],
    ['a[0-9].txt', 'a7.txt', true],
    ['a[!0-9].txt', 'a7.txt', false],
    ['a[!0-9].txt', 'ax.txt', true],
    ['a.{ts,js}', 'a.js', true],
    ['{a,b{1,2}}/*.{ts,js}', 'b2/x.ts', true],
    ['{a,b{1,2}}/*.{ts,js}', 'b3/x.ts', false],
    ['*a*b*c', 'xaxxbxxc', true],
    ['a+(b).txt*', 'a+(b).txt', true],
  ])('%s and %s: %s', (pattern, path, is) => {
    expect(matches(pattern, path)).toBe(is)
  })

  it('is matched at once, whatever it is made of', () => {
    const begun = performance.now()
    expect(matches(`${'*a'.repeat(100)}*b`, 'a'.repeat(255))).toBe(false)
    expect(matches(`${'**/a/'.repeat(50)}b`, `${'a/'.repeat(500)}a`)).toBe(false)
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect(() => globOf(['{a,b}'.repeat(10)])).toThrow('alternatives')
  })

  it('is told from a path', () => {
    expect(['a.txt', 'a (1)+.txt', 'a*', 'a?', 'a[1]', '{a}'].map(isGlob)).toEqual([
      ...[false, false],
      ...[true, true, true, true],
    ])
  })
})
