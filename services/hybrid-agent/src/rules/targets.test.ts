import { describe, expect, it } from 'vitest'
import { targetsReader } from './targets.ts'
import { tokenize } from './tokenize.ts'
import { vocabularyOf, type World } from './vocabulary.ts'

const process = {
  type: 'process' as const,
  command: ['node'],
  cwd: '/srv',
  env: {},
  stable_for: 1_000,
  stop_timeout: 5_000,
}
const ledger: World['targets'][string] = { type: 'sql', url_env: 'LEDGER_URL', entities: {} }
const proxy: World['targets'][string] = { type: 'docker', container: 'proxy-1', stable_for: 1_000, stop_timeout: 5_000 }

function read(text: string, targets: World['targets']): readonly string[] | undefined {
  const sentence = tokenize(text)!
  const found = targetsReader(['service'])(sentence, 0, vocabularyOf({ targets, workspaces: {} }))
  // Words that remain are the pattern's business, and none of these patterns has any.
  return found?.end === sentence.tokens.length ? (found.value as string[]) : undefined
}

describe('the targets that a sentence names', () => {
  const world = { api: process, mail: process, proxy, ledger }

  it.each([
    ['api', 'api'],
    ['the API service', 'api'],
    ['the service called api', 'api'],
    ['"api"', 'api'],
    ['api and mail', 'api mail'],
    ['mail, proxy and api', 'mail proxy api'],
    ['both api and the mail service', 'api mail'],
    ['the services api & mail', 'api mail'],
    ['api as well as mail plus proxy', 'api mail proxy'],
    ['the following:\n- api\n- mail', 'api mail'],
    ['api and api', 'api'],
    ['the following: api, mail', 'api mail'],
    ['the following services: api and mail', 'api mail'],
    ['api together with mail', 'api mail'],
    ['all services', 'api mail proxy'],
    ['all of the services', 'api mail proxy'],
    ['every service', 'api mail proxy'],
    ['each of our services', 'api mail proxy'],
    ['all of them', 'api mail proxy'],
    ['everything', 'api mail proxy'],
    ['all containers', 'proxy'],
    ['everything except mail', 'api proxy'],
    ['all but the proxy', 'api mail'],
    ['all services apart from api and mail', 'proxy'],
    ['every service other than proxy', 'api mail'],
    ['all services, but not mail', 'api proxy'],
  ])('%s: %s', (text, names) => expect(read(text, world)).toEqual(names.split(' ')))

  it.each([
    'both',
    'them all',
    'them both',
    'all servers',
    'all processes',
    'every',
    'all the',
    'api and',
    'api or mail',
    'api. mail',
    'api; mail',
    'api and ledger',
    'everything except',
    'everything except ledger',
    'everything except api, mail and proxy',
    'all services except the frontend',
    'all api services',
  ])('nothing certain is named by: %s', (text) => expect(read(text, world)).toBeUndefined())

  it('are both only where there are two', () => {
    expect(read('both', { api: process, mail: process, ledger })).toEqual(['api', 'mail'])
    expect(read('both of them', { api: process, mail: process })).toEqual(['api', 'mail'])
  })

  it('are never a set by accident where a target has the name of one', () => {
    const odd = { all: process, everything: process, both: process, api: process }
    for (const text of ['all', 'everything', 'both', 'all services', 'everything except api', 'all and api'])
      expect(read(text, odd), text).toBeUndefined()
    expect(read('"all"', odd)).toEqual(['all'])
    expect(read('service all', odd)).toEqual(['all'])
    expect(read('the everything service', odd)).toEqual(['everything'])
    expect(read('api and "both"', odd)).toEqual(['api', 'both'])
    expect(read('every service', odd)).toEqual(['all', 'everything', 'both', 'api'])
  })

  it('are never several where one is called as a word that forbids or connects', () => {
    const odd = { not: process, it: process, or: process, api: process }
    for (const text of ['not api', 'api not', 'api, not', 'api or it', 'not it'])
      expect(read(text, odd), text).toBeUndefined()
    expect(read('not', odd)).toEqual(['not'])
    expect(read('"not" and api', odd)).toEqual(['not', 'api'])
  })

  it('may be called as a type or an article is', () => {
    expect(read('service', { service: process, the: process })).toEqual(['service'])
    expect(read('the', { service: process, the: process })).toEqual(['the'])
    expect(read('the service service', { service: process })).toEqual(['service'])
  })
})
