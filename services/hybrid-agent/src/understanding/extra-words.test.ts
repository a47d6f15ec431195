// What is said besides an order, and what a misspelt word may hide, in the world of the sentences.
import { fileURLToPath } from 'node:url'
import { readExecutionConfig } from '@deed/config/execution-config'
import { type AgentReply, AgentTask } from '@deed/proto/agent'
import { describe, expect, it } from 'vitest'
import { readRulePacks } from '../rules/rule-pack.ts'
import { vocabularyOf } from '../rules/vocabulary.ts'
import { understanding } from './understand.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const world = readExecutionConfig(path('../../test-data/sentences/world.yaml'))
const understand = understanding(readRulePacks([path('../../rules')]), vocabularyOf(world))
const ask = (description: string): AgentReply => understand(AgentTask.parse({ description }))

/** As `kind target`, or the outcome. */
function doneFor(description: string): string {
  const reply = ask(description)
  if (reply.outcome !== 'handled') return reply.outcome
  return reply.solution.actions.map(({ action }) => `${action.kind} ${String(action.input.target)}`).join(', ')
}

describe('what is said besides an order', () => {
  it.each([
    ['INC-4211: restart demo-api', 'service.restart demo-api'],
    ['@deed restart demo-api thx', 'service.restart demo-api'],
    ['[P1] restart demo-api', 'service.restart demo-api'],
    ['prio 1 - restart demo-api immediately', 'service.restart demo-api'],
    ['customers see timeouts on demo-api, please give it a restart', 'service.restart demo-api'],
    ['after the deploy demo-api serves old pages, please restart it', 'service.restart demo-api'],
    ['please restart test-service, the tests keep timing out', 'service.restart test-service'],
    ['the test run is finished, you can stop test-service', 'service.stop test-service'],
    ['could the shop be restarted please?', 'service.restart shop'],
    ['demo-api should be restarted, please do it', 'service.restart demo-api'],
  ])('is left out: %s', (text, done) => {
    expect(doneFor(text)).toBe(done)
    expect(ask(text)).toMatchObject({ solution: { reading: { by: 'similarity' } } })
  })

  it.each([
    'customers see timeouts on demo-api, should we restart it?',
    'INC-4211: do not restart demo-api',
    'INC-4211 was closed after we restarted demo-api',
    'restart demo-api, the start test-service',
    'the shop is slow, but leave it alone',
    'could the shop be restarted?',
    'being demo-api down and back up',
    'restart or stop demo-api',
    'restart demo-api, or stop it',
    'restart demo-api or its database',
    'restart demo-api or all',
  ])('changes nothing where it forbids, doubts, reports, or may be another order: %s', (text) => {
    expect(doneFor(text)).not.toMatch(/restart|stop|start/)
  })
})

describe('a described state', () => {
  it.each([
    ['demo-api should be running', 'service.start demo-api'],
    ['test-service should be stopped', 'service.stop test-service'],
  ])('is an order where a rule has the sentence, and the reading is said: %s', (text, done) => {
    expect(doneFor(text)).toBe(done)
    expect(ask(text)).toMatchObject({ solution: { reading: { by: 'similarity' } } })
  })

  it('has its reading said even if a pattern has the very words', () => {
    expect(ask('notes.txt should say "x"')).toMatchObject({ solution: { reading: { by: 'similarity' } } })
  })

  it.each(['demo-api should not be running', 'should demo-api be running?', 'demo-api is down'])(
    'is no order otherwise: %s',
    (text) => {
      expect(doneFor(text)).toBe('declined')
    },
  )
})

describe('a misspelt word', () => {
  it.each([
    ['restart both demo-api ans test-service', 'service.restart demo-api, service.restart test-service'],
    ['restart all but shp', 'service.restart demo-api, service.restart test-service'],
  ])('that lists or leaves out does so: %s', (text, done) => {
    expect(doneFor(text)).toBe(done)
  })

  it.each([
    'restart all bt shop',
    'turn demo-api off ad test-service on',
    'shut sown demo-api and bring it back up',
    'stop demo-api, them start it again',
    'I restartd demo-api',
    'she tol me to restart demo-api',
    'restart demo-api or testservice',
    'sto demo-api from being restarted',
    'get htto://127.0.0.1:8080/health',
  ])('changes nothing if it may have been one that says another thing: %s', (text) => {
    expect(doneFor(text)).not.toMatch(/restart|stop|start|delete/)
  })
})

describe('text without quotes', () => {
  it.each(['put hello into notes.txt', 'write hello world to notes.txt'])('is asked about: %s', (text) => {
    expect(ask(text)).toMatchObject({
      outcome: 'asks',
      question: { options: [{ solution: { actions: [{ action: { kind: 'file.write' } }] } }] },
    })
  })
})

describe('what can be asked for', () => {
  it('is shown with the tables of this world, and no statement that changes other ones', () => {
    const suggested = ['insert a row into inventory', 'query inventory'].flatMap(
      (text) => (ask(text) as { suggestions?: string[] }).suggestions ?? [],
    )
    expect(suggested).toContain('query inventory: select count(*) from assets')
    expect(suggested.join(' ')).not.toMatch(/entries|insert/)
  })

  it('is shown without names of files that are not of this world', () => {
    for (const text of ['frobnicate demo-api', 'dance', 'polish the floor']) {
      const { suggestions = [] } = ask(text) as { suggestions?: string[] }
      expect(suggestions.length).toBeGreaterThan(0)
      expect(suggestions.join(' ')).not.toMatch(/\w\.(?:txt|md|log|yaml|ts)\b/)
    }
  })
})
