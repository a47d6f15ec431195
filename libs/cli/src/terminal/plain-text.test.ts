// What data may try on a terminal that shows it.
import { describe, expect, it } from 'vitest'
import { plainLine, plainText } from './plain-text.ts'

describe('text that is shown', () => {
  it('loses colours, cursor movements and titles, whole', () => {
    expect(plainText('\u001b[31mred\u001b[0m')).toBe('red')
    expect(plainText('a\u001b[2Jb\u001b[1;1Hc')).toBe('abc')
    expect(plainText('x\u001b]0;owned\u0007y')).toBe('xy')
    expect(plainText('x\u001b]8;;http://evil.example\u001b\\link\u001b]8;;\u001b\\')).toBe('xlink')
    expect(plainText('\u009b31mred')).toBe('red')
    expect(plainText('a\u001bPpayload\u001b\\b')).toBe('ab')
  })

  it('loses what overwrites the line, and shows what turns it round or is not seen', () => {
    expect(plainText('a\u200bb\ufeffc\u{e0041}d')).toBe('a\\u{200b}b\\u{feff}c\\u{e0041}d')
    expect(plainText('\u0645\u06cc\u200c\u062e \u{1f469}\u200d\u{1f467}')).toBe(
      '\u0645\u06cc\u200c\u062e \u{1f469}\u200d\u{1f467}',
    )
    expect(plainText('approve?\rdenied')).toBe('approve?denied')
    expect(plainText('rm \u202egpj.exe')).toBe('rm \\u{202e}gpj.exe')
    expect(plainText('ab\b\bcd')).toBe('abcd')
    expect(plainText('an end without one \u001b]0;title')).toBe('an end without one ')
  })

  it('keeps lines, tabs and letters of every language', () => {
    expect(plainText('eins\n\tzwei Grüße 日本')).toBe('eins\n\tzwei Grüße 日本')
  })

  it('is one line of bounded length where a line is wanted', () => {
    expect(plainLine('  a\n b\t c ')).toBe('a b c')
    expect(plainLine('abcdefghij', 8)).toBe('abcde...')
  })
})
