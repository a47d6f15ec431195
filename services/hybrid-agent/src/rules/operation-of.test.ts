import { describe, expect, it } from 'vitest'
import { operationOf } from './operation-of.ts'

const service = {
  type: 'process' as const,
  command: ['node'],
  cwd: '/srv',
  env: {},
  stable_for: 1_000,
  stop_timeout: 10_000,
}
const targets = { 'demo-api': service, billing: service }
const of = (words: string) => {
  const found = operationOf(words, { targets })
  return found && `${found.name} ${found.target}${found.whole ? '' : ', and more'}`
}

describe('the service operation of a sentence', () => {
  it.each([
    ['Turn demo-api off and on again', 'restart demo-api'],
    ['turn off demo-api, then turn it back on', 'restart demo-api'],
    ['Could you please bounce the demo-api service?', 'restart demo-api'],
    ['stop demo-api and start it again', 'restart demo-api'],
    ['Switch the demo-api off', 'stop demo-api'],
    ['shut demo-api down now', 'stop demo-api'],
    ['take down demo-api', 'stop demo-api'],
    ['bring demo-api back up', 'start demo-api'],
    ['Launch demo-api', 'start demo-api'],
    ['restart demo-api and write its pid to pid.txt', 'restart demo-api, and more'],
    ['stop demo-api because it is broken', 'stop demo-api, and more'],
  ])('is recognised in "%s"', (words, meant) => expect(of(words)).toBe(meant))

  it.each([
    'write a note that says: restart demo-api',
    'Stop logging secrets in demo-api',
    'start demo-api tests',
    'turn off the lights of demo-api',
    'do not restart demo-api',
    'restart demo-api if it is slow',
    'restart demo-api and billing',
    'is demo-api up?',
    'turn demo-api on and off',
    'document how to stop demo-api',
    'put a file on demo-api',
    'stop everything',
  ])('is left undecided for "%s"', (words) => expect(of(words)).toBeUndefined())
})
