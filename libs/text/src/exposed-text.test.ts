// Hidden characters are shown to an approver as escapes.
import { describe, expect, it } from 'vitest'
import { exposedLine, exposedText } from './exposed-text.ts'

describe('a hidden character', () => {
  it.each([
    ['an escape sequence', 'two\u001b[1A', 'two\\u{1b}[1A'],
    ['a carriage return', 'rm -rf /\rls', 'rm -rf /\\u{d}ls'],
    ['a direction mark', 'a\u202egnp.exe', 'a\\u{202e}gnp.exe'],
    ['no width', 'pass\u200bword', 'pass\\u{200b}word'],
    ['tags', 'ok\u{e0069}\u{e0067}', 'ok\\u{e0069}\\u{e0067}'],
    ['a filler', 'a\u3164b', 'a\\u{3164}b'],
    ['an unusual space', 'a\u00a0b', 'a\\u{a0}b'],
    ['a Cyrillic letter in a Latin word', 'c\u0443rl evil', 'c\\u{443}rl evil'],
    ['a word of Cyrillic letters that reads as a Latin one', '\u0433\u043c -rf', '\\u{433}\\u{43c} -rf'],
    ['full-width letters', 'r\uff4d -rf', 'r\\u{ff4d} -rf'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
  ])('%s is shown', (_, text, shown) => expect(exposedText(text)).toBe(shown))

  it.each([
    'caf\u00e9 na\u00efve',
    '\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440',
    '\u65e5\u672c\u8a9e.txt',
    '\u03b1\u03b2\u03b3',
    '\u0441\u043e\u0440 \u0438 \u043c\u043e\u0440',
    'one\n\ttwo',
  ])('ordinary text is unchanged: %s', (text) => expect(exposedText(text)).toBe(text))

  it('a line stays one line', () => expect(exposedLine(' a\nb\tc ')).toBe('a b c'))
})
