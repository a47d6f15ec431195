// One word of a sentence as fingers may have meant it, and what is never touched.
import { describe, expect, it } from 'vitest'
import { tokenize } from '../rules/tokenize.ts'
import { vocabularyOf } from '../rules/vocabulary.ts'
import { BARRING, GUARDING } from './guards.ts'
import { mayBar, respellingsOf } from './misspelt.ts'
import { namesOf } from './names.ts'
import type { Words } from './parts.ts'
import { spellingIndex } from './spelling.ts'
import { typedIndex } from './typing-errors.ts'

const LEXICON = new Set('restart stop show list files logs read of the to in do not write service'.split(' '))
const all = new Set([...LEXICON, ...GUARDING, 'car', 'form', 'toast'])
const words: Words = {
  lexicon: LEXICON,
  verbs: new Set(['restart', 'stop', 'write']),
  spelling: spellingIndex(LEXICON),
  all,
  typed: typedIndex(all),
}
const service = { type: 'process' as const, command: ['true'] as [string], cwd: '/', env: {} }
const limits = { stable_for: 1_000, stop_timeout: 1_000 }
const targets = Object.fromEntries(
  ['demo-api', 'web-a', 'web-d', 'cart'].map((name) => [name, { ...service, ...limits }]),
)
const names = namesOf(vocabularyOf({ targets, workspaces: {} }))

const sentenceOf = (text: string) => tokenize(text)!
const respelled = (text: string) => respellingsOf(sentenceOf(text), words, names, GUARDING)
const textsOf = (text: string): string[] => respelled(text).map((one) => one.text)

describe('a misspelt word', () => {
  it.each([
    ['restrat demo-api', 'restart demo-api'],
    ['restar demo-api', 'restart demo-api'],
    ['shhow the files', 'show the files'],
    ['show teh files', 'show the files'],
    ['shiw the files', 'show the files'],
  ])('is spelled as a word of the rules: %s', (text, meant) => expect(textsOf(text)).toEqual([meant]))

  it.each([
    ['restart dmeo-api', 'restart demo-api'],
    ['restart dem-api', 'restart demo-api'],
    ['restart carrt', 'restart cart'],
  ])('is spelled as a name: %s', (text, meant) => expect(textsOf(text)).toContain(meant))

  it('keeps the rest of the text as it is written', () => {
    expect(textsOf('  Restrat "the  Teh" demo-api!')).toEqual(['  restart "the  Teh" demo-api!'])
  })

  it('is not guessed between two names', () => {
    expect(textsOf('restart web-s')).toEqual([])
    expect(textsOf('restart web-f')).toEqual(['restart web-d'])
  })

  it('of another subject is left alone: too many words are unknown', () => {
    expect(textsOf('blorp restrat fnord grault quux')).toEqual([])
  })

  it('alone is no sentence', () => expect(respelled('restrat')).toEqual([]))
})

describe('what is copied', () => {
  it.each([
    'show "teh files"',
    'show `restrat`',
    'read teh.txt',
    'read lib/restrat',
    'show https://example.com/teh',
    'show restrat2',
    'show teh_files',
    'show restrat@example.com',
  ])('is never touched: %s', (text) => expect(textsOf(text)).toEqual([]))
})

describe('a word that may forbid', () => {
  it('marks the spellings that would lose it, and not the one that has it', () => {
    const of = (text: string, meant: string) => respelled(text).find((one) => one.text === meant)
    expect(of('do nto restart demo-api', 'do not restart demo-api')).toMatchObject({ guarded: false })
    expect(of('do nto restart demo-api', 'do to restart demo-api')?.guarded ?? true).toBe(true)
  })

  it.each([
    ['do nott restart demo-api', true],
    ['restart demo-api unlesss', false],
    ['neverr restart demo-api', true],
    ['restart demo-api', false],
    ['restart "nott" demo-api', false],
  ])('bars the change where it is unknown: %s', (text, bars) => {
    expect(mayBar(sentenceOf(text), words, names, new Set(['not', 'never']))).toBe(bars)
  })

  it('is among those that bar every sentence', () => {
    for (const word of ['not', 'never', 'if', 'unless', 'except']) expect(BARRING.has(word)).toBe(true)
  })
})
