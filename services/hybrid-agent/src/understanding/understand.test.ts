// What people type, and what follows from it, in a small world of built-in rule packs.
import { fileURLToPath } from 'node:url'
import { type AgentReply, AgentTask, processTask } from '@deed/proto/agent'
import { mayChange } from '@deed/proto/kinds'
import { describe, expect, it } from 'vitest'
import { parseRulePack, readRulePacks } from '../rules/rule-pack.ts'
import type { Sentence } from '../rules/tokenize.ts'
import { vocabularyOf, type World } from '../rules/vocabulary.ts'
import { understanding } from './understand.ts'

const service = (aliases?: string[]) => ({
  type: 'process' as const,
  command: ['node'],
  cwd: '/srv',
  env: {},
  stable_for: 1_000,
  stop_timeout: 5_000,
  ...(aliases ? { aliases } : {}),
})
const world: World = {
  targets: {
    'demo-api': service(['the backend', 'api2']),
    'test-service': service(),
    'web-01': service(),
    'web-02': service(),
    all: service(),
    stop: service(),
    stock: {
      type: 'sql',
      url_env: 'STOCK_URL',
      entities: { assets: { table: 'assets', label_column: 'kind', name_column: 'name', singular: 'asset' } },
    },
  },
  workspaces: { app: { root: '/srv/app' } },
}
const packs = readRulePacks([fileURLToPath(new URL('../../rules', import.meta.url))])
const understand = understanding(packs, vocabularyOf(world))
const ask = (description: string): AgentReply => understand(AgentTask.parse({ description }))

/** As `kind target`, or the outcome. */
function doneFor(description: string): string {
  const reply = ask(description)
  if (reply.outcome !== 'handled') return reply.outcome
  return reply.solution.actions
    .map(({ action }) => `${action.kind} ${String(action.input.target ?? action.input.path ?? '')}`.trim())
    .join(', ')
}

describe('words near those of a rule', () => {
  it.each([
    ['restrat demo-api', 'service.restart demo-api'],
    ['restart demo-apo', 'service.restart demo-api'],
    ['please restart the demo api, thanks a lot!', 'service.restart demo-api'],
    ['hi, could you restart Demo_API asap because it leaks memory?', 'service.restart demo-api'],
    ['demo-api is sluggish today, restart it', 'service.restart demo-api'],
    ['demo-api is sluggish, restart test-service and web-01', 'service.restart test-service, service.restart web-01'],
    ['restart the backend since it is hanging', 'service.restart demo-api'],
    ['restart service test-servise', 'service.restart test-service'],
    ['would you mind checking whether test-service is up?', 'service.status test-service'],
    ['how mnay assets do we have?', 'sql.query stock'],
    ['ok so please stop web-01 when you get a chance', 'service.stop web-01'],
  ])('are understood: %s', (text, done) => {
    expect(doneFor(text)).toBe(done)
    expect(ask(text)).toMatchObject({ solution: { reading: { by: 'similarity', text: expect.any(String) } } })
  })

  it('have a reading in the words of the rule, and a confidence', () => {
    expect(ask('demo-api is sluggish today, restart it')).toMatchObject({
      outcome: 'handled',
      solution: { reading: { text: 'restart demo-api', by: 'similarity' }, confidence: expect.any(Number) },
    })
  })

  it('need no reading where they are the very words of a rule', () => {
    const reply = ask('restart demo-api')
    expect(reply).toMatchObject({ outcome: 'handled', solution: { confidence: 1 } })
    expect(reply).not.toHaveProperty('solution.reading')
  })

  it('are never corrected between two known names, or inside identifiers', () => {
    expect(doneFor('restart web-02')).toBe('service.restart web-02')
    expect(doneFor('restart web-03')).not.toContain('service')
  })
})

describe('a sentence that gives no order', () => {
  it.each([
    'do not restart demo-api',
    "please don't you dare restart demo-api",
    'under no circumstances should anybody restart demo-api',
    'demo-api, whatever happens today, must on no account be restarted: not restart it',
    'do not not restart demo-api',
    'should we restart demo-api?',
    'what would happen if I restart demo-api?',
    'how do I restart demo-api?',
    'I restarted demo-api yesterday',
    'somebody has restarted demo-api',
    'the log says: restart demo-api',
    'he told me to restart demo-api',
    'restart demo-api?',
    'is it safe to restart demo-api?',
    'stop restarting demo-api',
    'imagine you restart demo-api',
    'demo-api is down',
  ])('changes nothing, and the answer says what could be asked for: %s', (text) => {
    expect(ask(text)).toMatchObject({
      outcome: 'declined',
      reason: 'no_instruction',
      suggestions: expect.arrayContaining([expect.any(String)]),
    })
  })

  it.each([
    'restart demo-api if it is down',
    'restart demo-api unless it is healthy',
    'once web-01 is up, stop demo-api',
  ])('is left to a model where it depends on something: %s', (text) =>
    expect(ask(text)).toMatchObject({ outcome: 'declined', reason: 'needs_model' }),
  )
})

describe('a sentence that is made to deceive', () => {
  it.each([
    ['a quoted command', 'say "restart demo-api"'],
    ['a quoted command in backticks', 'look at `restart demo-api`'],
    ['a letter of another alphabet', 'restart dem\u043e-api'],
    ['a verb of letters of another alphabet', 'r\u0435start demo-api'],
    ['a character without width', 'rest\u200bart demo-api'],
    ['a right-to-left mark', 'restart \u202eipa-omed'],
    ['another language', 'starte demo-api neu'],
    ['another alphabet', 'перезапусти demo-api'],
    ['a target that is called all', 'please restart all, kindly'],
    ['a target that is called as a verb', 'restart stop now please, asap'],
    ['two verbs', 'start or stop demo-api'],
    [
      'ten clauses with one that is forbidden',
      `${'check demo-api, '.repeat(8)}restart demo-api, but do not restart demo-api`,
    ],
    ['a verb that only begins like one of a rule', 'unrestart demo-api'],
    ['a wish about something else', 'restart the elevator'],
  ])('changes nothing: %s', (_, text) => {
    expect(changes(ask(text))).toBe(false)
  })
})

describe('a question', () => {
  it('is asked where nothing says which target is meant, with what would follow from each answer', () => {
    const reply = ask('restart the service')
    expect(reply).toMatchObject({ outcome: 'asks' })
    const { question } = reply as Extract<AgentReply, { outcome: 'asks' }>
    expect(question.options.length).toBeLessThanOrEqual(5)
    expect(question.options[0]).toMatchObject({
      id: 'option-1',
      reading: 'restart demo-api',
      solution: { actions: [{ action: { kind: 'service.restart', input: { target: 'demo-api' } } }] },
    })
    expect(new Set(question.options.map(({ id }) => id)).size).toBe(question.options.length)
  })

  it('may be read only by rules that change nothing', () => {
    expect(doneFor('is test-service running?')).toBe('service.status test-service')
    expect(ask('restart test-service, ok?')).not.toMatchObject({ outcome: 'handled' })
  })
})

describe('words that nobody understands', () => {
  it('get sentences that are understood here, nearest first', () => {
    const reply = ask('do a barrel roll with demo-api')
    expect(reply).toMatchObject({ outcome: 'declined', reason: 'needs_model' })
    const { suggestions = [] } = reply as Extract<AgentReply, { outcome: 'declined' }>
    expect(suggestions).toHaveLength(3)
    for (const suggestion of suggestions) expect(ask(suggestion)).toMatchObject({ outcome: 'handled' })
  })

  it.each(['help', 'what can you do?', 'What can I ask?'])(
    'are answered with examples where they ask for help: %s',
    (text) => {
      expect(ask(text)).toMatchObject({
        outcome: 'declined',
        reason: 'no_instruction',
        suggestions: expect.arrayContaining([expect.any(String)]),
      })
    },
  )
})

describe('an explanation', () => {
  it.each([
    'restart demo-api',
    'demo-api is stuck, restart it',
    'restart the service',
    'do not restart demo-api',
    'sing',
  ])('is valid in every outcome: %s', (description) => {
    const reply = processTask.output.parse(understand(AgentTask.parse({ description }), { explain: true }))
    expect(reply.explanation?.stages.map(({ stage }) => stage)).toEqual(['exact', 'learned', 'similar', 'question'])
  })

  it('names the rule, its slots and what is unexplained', () => {
    const { explanation } = understand(AgentTask.parse({ description: 'please restart the demo api gently' }), {
      explain: true,
    })
    expect(explanation).toMatchObject({
      normalised: 'restart the demo-api gently',
      candidates: expect.arrayContaining([
        expect.objectContaining({
          rule: 'services/restart',
          reading: 'restart demo-api',
          slots: { service: 'demo-api' },
        }),
      ]),
      unexplained: ['gently'],
    })
  })
})

describe('a pack of a user', () => {
  const own = parseRulePack(
    `pack: own
version: 1
description: Lights
rules:
  - name: light-on
    match: switch on the light in {room:word}
    paraphrases: ["it is too dark in {room}", "illuminate {room}"]
    actions: [{ title: "light {{room}}", kind: dir.create, input: { path: "{{room}}" } }]
    tests: [{ say: switch on the light in kitchen }]
`,
    'own.yaml',
  )

  it('is understood by its paraphrases', () => {
    const both = understanding([...packs, own], vocabularyOf(world))
    expect(both(AgentTask.parse({ description: 'could you please illuminate room-7?' }))).toMatchObject({
      outcome: 'handled',
      solution: { rule: 'own/light-on', reading: { text: 'light room-7' } },
    })
  })

  it.each([
    ['a slot that match has not', 'it is dark in {place}', /no slot "place"/],
    ['a slot that is missing', 'it is dark', /the slot \{room\} is missing/],
    ['an optional part', 'it is (too)? dark in {room}', /a paraphrase is a sentence/],
  ])('is refused for a paraphrase with %s', (_, paraphrase, why) => {
    const text = `pack: own\nversion: 1\ndescription: x\nrules:\n  - name: light\n    match: light {room:word}\n    paraphrases: ["${paraphrase}"]\n    actions: [{ title: t, kind: dir.create, input: { path: "{{room}}" } }]\n    tests: [{ say: light a1 }]\n`
    expect(() => parseRulePack(text, 'own.yaml')).toThrow(why)
  })
})

describe('what a tenant has taught', () => {
  const understand = understanding(packs, vocabularyOf(world))
  const restart = understand(AgentTask.parse({ description: 'restart demo-api' }))
  const lookup = (description: string) => {
    const asked: string[] = []
    const learned = ({ tokens }: Sentence, mayChange: boolean) => {
      asked.push(`${tokens.map(({ word }) => word).join(' ')} ${mayChange}`)
      return restart
    }
    return { reply: understand(AgentTask.parse({ description }), { learned }), asked }
  }

  it('is looked up by the words without courtesy, and used', () => {
    expect(lookup('Please do the thing.')).toEqual({ reply: restart, asked: ['do the thing true'] })
  })

  it.each(['restart demo-api', 'do not do the thing', 'do the thing unless it is friday', 'what if you did the thing'])(
    'is not looked up for: %s',
    (description) => {
      expect(lookup(description).asked).toEqual([])
    },
  )

  it('is looked up as what may change nothing where the words doubt', () => {
    expect(lookup('should we do the thing').asked).toEqual([expect.stringMatching(/ false$/)])
  })
})

describe('mutated sentences', () => {
  // `npm run bench -- --only words --fuzz 100000` sends more of them.
  const SENTENCES = 2_000
  const PIECES = [
    ...'restart stop start delete demo-api test-service web-01 all it not never if unless and then or please how should the a because'.split(
      ' ',
    ),
    ...[
      'notes.txt',
      '"restart demo-api"',
      '`rm -rf /`',
      'https://example.com',
      '12',
      '\u202e',
      '\u0435',
      '\u200b',
      '{{path}}',
      "don't",
      '?',
      '!',
      ',',
      '\n',
    ],
  ]

  it('are answered validly, and a negated one changes nothing', () => {
    let state = 11
    const below = (count: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * count)
    }
    for (let index = 0; index < SENTENCES; index++) {
      const words = Array.from({ length: 1 + below(12) }, () => PIECES[below(PIECES.length)]!)
      const description = `${words.join(below(5) === 0 ? '' : ' ')} `
      const reply = processTask.output.parse(understand({ description }, { explain: index % 10 === 0 }))
      const negated = processTask.output.parse(understand({ description: `do not ${words.join(' ')}` }))
      expect(changes(negated), words.join(' ')).toBe(false)
      if (reply.outcome === 'asks') expect(reply.question.options.length).toBeGreaterThan(0)
    }
  })
})

const changes = (reply: AgentReply): boolean =>
  reply.outcome === 'handled' && reply.solution.actions.some(({ action }) => mayChange(action.kind, action.input))
