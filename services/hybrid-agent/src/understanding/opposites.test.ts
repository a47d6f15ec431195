// Words that are near to those that mean the opposite, or another number: they are read rightly, asked about, or left.
import { fileURLToPath } from 'node:url'
import { AgentTask } from '@deed/proto/agent'
import { describe, expect, it } from 'vitest'
import { readRulePacks } from '../rules/rule-pack.ts'
import { vocabularyOf, type World } from '../rules/vocabulary.ts'
import { understanding } from './understand.ts'

const limits = { stable_for: 1_000, stop_timeout: 5_000 }
const world: World = {
  targets: {
    'demo-api': { type: 'process', command: ['node'], cwd: '/srv', env: {}, ...limits },
    shop: { type: 'kubernetes', namespace: 'web', deployment: 'shop', ...limits },
  },
  workspaces: { app: { root: '/srv/app' } },
}
const packs = readRulePacks([fileURLToPath(new URL('../../rules', import.meta.url))])
const understand = understanding(packs, vocabularyOf(world))

/** As `kind value value`, or the outcome. */
function doneFor(description: string): string {
  const reply = understand(AgentTask.parse({ description }))
  if (reply.outcome !== 'handled') return reply.outcome
  return reply.solution.actions
    .map(({ action: { kind, input } }) => [kind, ...Object.values(input).map(String)].join(' '))
    .join(', ')
}

/** Every text that one letter more, one less, another one, or two swapped make of a word. */
function editsOf(word: string): Set<string> {
  const found = new Set<string>()
  for (let at = 0; at <= word.length; at++) {
    const [before, after] = [word.slice(0, at), word.slice(at)]
    found.add(before + after.slice(1))
    if (after.length > 1) found.add(before + after[1] + after[0] + after.slice(2))
    for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
      found.add(before + letter + after)
      found.add(before + letter + after.slice(1))
    }
  }
  found.delete(word)
  return found
}

describe('a misspelt verb', () => {
  it.each([
    ['stpo demo-api', 'service.stop demo-api'],
    ['sotp demo-api', 'service.stop demo-api'],
    ['stip demo-api', 'service.stop demo-api'],
    ['sto demo-api', 'service.stop demo-api'],
    ['strat demo-api', 'service.start demo-api'],
    ['srart demo-api', 'service.start demo-api'],
    ['satrt demo-api', 'service.start demo-api'],
    ['strt demo-api', 'service.start demo-api'],
    ['retsart demo-api', 'service.restart demo-api'],
    ['turn om demo-api', 'service.start demo-api'],
    ['turn oof demo-api', 'service.stop demo-api'],
    ['bring demo-api dwon', 'service.stop demo-api'],
    ['bring demo-api uo', 'service.start demo-api'],
  ])('is read as the only verb that it can be: %s', (text, done) => expect(doneFor(text)).toBe(done))

  it.each(['turn onf demo-api', 'turn onw demo-api', 'turn od demo-api', 'bring doon demo-api', 'rstart demo-api'])(
    'changes nothing where it may be another one: %s',
    (text) => expect(['asks', 'declined']).toContain(doneFor(text)),
  )

  it.each([
    ['start', 'demo-api', 'service.stop'],
    ['stop', 'demo-api', 'service.start'],
    ['turn on', 'demo-api', 'service.stop'],
    ['turn off', 'demo-api', 'service.start'],
    ['bring up', 'demo-api', 'service.stop'],
    ['bring down', 'demo-api', 'service.start'],
  ])('never does the opposite, whatever one letter of it is: %s %s', (verb, name, opposite) => {
    const begin = verb.includes(' ') ? `${verb.split(' ')[0]} ` : ''
    const wrong = [...editsOf(verb.slice(begin.length))]
      // That is how people write "off".
      .filter((word) => word !== 'of')
      .filter((word) => doneFor(`${begin}${word} ${name}`).startsWith(opposite))
    expect(wrong).toEqual([])
  })
})

describe('a word that says how many places', () => {
  const all = 'file.edit notes.txt hello world all'
  it.each([
    'replace very "hello" with "world" in notes.txt',
    'replace very hello with world in notes.txt',
    'change very "hello" to "world" in notes.txt',
    'swap very "hello" for "world" in notes.txt',
    'in notes.txt replace very "hello" with "world"',
    'replace very occurrence of "hello" with "world" in notes.txt',
    'replace eahc "hello" with "world" in notes.txt',
    'replace al "hello" with "world" in notes.txt',
    'replace any "hello" with "world" in notes.txt',
    'replace everything "hello" with "world" in notes.txt',
  ])('is read as all of them: %s', (text) => expect(doneFor(text)).toBe(all))

  it.each([
    'replace ever "hello" with "world" in notes.txt',
    'remove very line with "x" from notes.txt',
    'delete very line that contains "x" in notes.txt',
  ])('is asked about where it is unclear: %s', (text) => expect(doneFor(text)).toBe('asks'))

  it('keeps the order of two texts, and takes a quoted word for a text', () => {
    expect(doneFor('swap all "a" for "b" in notes.txt')).toBe('file.edit notes.txt a b all')
    expect(doneFor('swap "a" for "b" in notes.txt')).toBe('file.edit notes.txt a b')
  })
})

describe('a number of replicas', () => {
  it.each([
    ['shop should be 3 replicas', 3],
    ['shop should be at three', 3],
    ['shop should have 3 pods', 3],
    ['the shop should be 5 pods', 5],
    ['shop must have 3 replicas', 3],
    ['shop ought to have 3 replicas', 3],
    ['shop needs to have 2 replicas', 2],
    ['the replicas of shop should be 3', 3],
    ['the number of replicas of shop should be four', 4],
    ['shop should be scaled up to 3', 3],
    ['shop should have 0 replicas', 0],
    ['scale shop to 3 replicas', 3],
    ['scale shop to three replicas', 3],
    ['scale shop to 12 replicas', 12],
    ['scale shop from 2 to 5 replicas', 5],
    ['scale shop to five replcas', 5],
    ['scale shop to zero', 0],
    ['scale shop to no replicas', 0],
    ['scale shop to none', 0],
  ])('is the one that is said: %s', (text, count) => expect(doneFor(text)).toBe(`kubernetes.scale shop ${count}`))

  it.each([
    'scale shop to N replicas',
    'scale shop to x replicas',
    'scale shop to a few replicas',
    'scale shop to many replicas',
    'scale shop to more replicas',
    'scale shop to twenty replicas',
    'scale shop to something',
    'scale shop to the maximum',
    'scale shop to half',
    'scale shop to -1 replicas',
    'scale shop to 3.5 replicas',
    'scale shop to at least 3 replicas',
    'scale shop by 3',
    'scale shop by two replicas',
    'scale shop down',
    'scale shop',
    'should shop have 3 replicas?',
    'shop should be N replicas',
  ])('is never guessed, and none least of all: %s', (text) => expect(doneFor(text)).toBe('declined'))

  it.each(['3', 'three', '0', 'N', 'green', 'none'])('is no version of an image: shop should be %s', (value) =>
    expect(doneFor(`shop should be ${value}`)).toBe('declined'),
  )

  it.each([
    ['shop should be up', 'service.start shop'],
    ['shop should be down', 'service.stop shop'],
    ['shop should be v2', 'kubernetes.rollout shop v2'],
    ['shop should run shop:2', 'kubernetes.rollout shop shop:2'],
    ['update shop to version 3', 'kubernetes.rollout shop 3'],
    ['update shop to 3', 'declined'],
  ])('is told from a state and an image: %s', (text, done) => expect(doneFor(text)).toBe(done))
})
