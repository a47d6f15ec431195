// The errors of fingers, and those that no finger makes.
import { describe, expect, it } from 'vitest'
import { spellingIndex } from './spelling.ts'
import { typedIndex } from './typing-errors.ts'

const WORDS = ['restart', 'start', 'stop', 'show', 'list', 'letter', 'see', 'set']
const typed = typedIndex(WORDS)

describe('a word is found from', () => {
  it.each([
    ['two letters that are swapped', 'restrat', ['restart']],
    ['one that is left out', 'resart', ['restart']],
    ['the first that is left out', 'tart', ['start']],
    ['one that is doubled', 'reestart', ['restart']],
    ['the last that is doubled', 'listt', ['list']],
    ['one that is left out of two', 'leter', ['letter']],
    ['the key beside it', 'lisr', ['list']],
    ['the key beside two words', 'ser', ['see', 'set']],
  ])('%s: %s', (_, written, meant) => expect(typed(written).toSorted()).toEqual(meant.toSorted()))
})

describe('no word is found from', () => {
  it.each([
    ['the word itself', 'restart'],
    ['a key that is far away', 'lisp'],
    ['a letter that nobody pressed twice', 'lisxt'],
    ['two errors', 'rsetrat'],
    ['nothing', ''],
    ['more than a word', 'a'.repeat(1_000)],
  ])('%s: %s', (_, written) => expect(typed(written)).toEqual([]))
})

describe('every error of one edit', () => {
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  const near = spellingIndex(['restart']).near
  const edits = [...'restart'].flatMap((_, at) => {
    const [before, after] = ['restart'.slice(0, at), 'restart'.slice(at)]
    return [...letters]
      .flatMap((letter) => [before + letter + after, before + letter + after.slice(1)])
      .concat(before + after.slice(1))
  })

  it('is corrected where one word alone is near', () => {
    expect(edits.length).toBeGreaterThan(350)
    for (const written of edits) expect(near(written), written).toMatchObject({ words: ['restart'] })
  })

  it('finds the likeliest words first: a letter that was left out', () => {
    const { words } = spellingIndex(['he', 'have', 'hive', 'her']).near('hve')
    expect(words).toEqual(['have', 'he'])
    expect(spellingIndex(['stop', 'stoop', 'stomp']).near('stom').words).toEqual(['stomp', 'stop'])
  })
})
