// Learning from a solution, and finding it again, with the built-in packs.
import { fileURLToPath } from 'node:url'
import { AgentTask, type Solution } from '@deed/proto/agent'
import { describe, expect, it } from 'vitest'
import { testPacks } from '../packs/test-packs.ts'
import { decideBy } from '../rules/decide.ts'
import { readRulePacks } from '../rules/rule-pack.ts'
import { tokenize } from '../rules/tokenize.ts'
import { vocabularyOf, type World } from '../rules/vocabulary.ts'
import type { LearnedSentence } from '../store/learned-sentence.ts'
import { exportPack } from './export-pack.ts'
import { isActive } from './is-active.ts'
import { learnSentence } from './learn-sentence.ts'
import { recall } from './recall.ts'

const packs = readRulePacks([fileURLToPath(new URL('../../rules', import.meta.url))])
const service = {
  type: 'process' as const,
  command: ['node'],
  cwd: '/srv',
  env: {},
  stable_for: 1_000,
  stop_timeout: 1,
}
const world: World = {
  targets: {
    billing: service,
    mailer: service,
    stock: {
      type: 'sql',
      url_env: 'STOCK_URL',
      entities: {
        machines: { table: 'machines', label_column: 'kind', name_column: 'name', singular: 'machine' },
        contracts: { table: 'contracts', label_column: 'state' },
      },
    },
  },
  workspaces: { app: { root: '/srv/app' } },
}
const vocabulary = vocabularyOf(world)
const grounds = {
  vocabulary,
  rules: new Map(packs.flatMap((pack) => pack.rules.map((rule) => [rule.id, rule] as const))),
}
const decide = decideBy(packs, vocabulary)

/** What Deed does for a sentence that a rule knows. */
function solutionOf(description: string): Solution {
  const reply = decide(AgentTask.parse({ description }))
  if (reply.outcome !== 'handled') throw new Error(`${description}: ${JSON.stringify(reply)}`)
  return reply.solution
}

const plan = (...actions: { kind: string; input: Record<string, unknown>; title?: string }[]): Solution => ({
  actions: actions.map(({ kind, input, title }, index) => ({
    name: `step-${index}`,
    title: title ?? `do ${kind}`,
    action: {
      kind,
      kind_version: 1,
      input: input as never,
      already_so: 'skip' as const,
      observe_only: false,
      timeout_ms: 1_000,
    },
    depends_on: [],
  })),
  answer: { kind: 'actions' },
  confidence: 0.5,
})

function teach(description: string, solution: Solution, more: Partial<AgentTask> = {}) {
  const source = solution.rule === undefined ? ('model' as const) : ('choice' as const)
  const task = AgentTask.parse({ description, ...more })
  return learnSentence({ task, solution, source }, { sentence: tokenize(description)!, mayChange: true }, grounds)
}

function learned(description: string, solution: Solution): LearnedSentence {
  const taught = teach(description, solution)
  if ('reason' in taught) throw new Error(taught.reason)
  return taught.learned
}

function ask(sentences: readonly LearnedSentence[], description: string, more: Partial<AgentTask> = {}) {
  const known = new Map<string, (LearnedSentence & { stage: 'trusted' })[]>()
  for (const one of sentences) known.set(one.words, [...(known.get(one.words) ?? []), { ...one, stage: 'trusted' }])
  return recall(
    known,
    { sentence: tokenize(description)!, mayChange: true },
    AgentTask.parse({ description, ...more }),
    grounds,
  )?.reply.solution
}

describe('a sentence that a person chose a reading of', () => {
  const kick = learned('kick billing in the shins', solutionOf('restart billing'))

  it('is stored with its rule, and with the name that may vary as a slot', () => {
    expect(kick).toMatchObject({
      sentence: 'kick {service} in the shins',
      words: 'kick {target} in the shins',
      fixed: {},
      meaning: { by: 'rule', rule: 'services/restart', slots: { service: { name: 0 } } },
      reading: 'restart billing',
      source: 'choice',
    })
  })

  it('means the same with another name, in any case and with courtesy', () => {
    expect(ask([kick], 'Please kick MAILER in the shins!')).toMatchObject({
      rule: 'services/restart',
      reading: { text: 'restart mailer', by: 'learned' },
      actions: [{ action: { kind: 'service.restart', input: { target: 'mailer' } } }],
    })
  })

  it.each([
    ['with one more word', 'do not kick billing in the shins'],
    ['as a question', 'kick billing in the shins?'],
    ['with the name of a target of another type', 'kick stock in the shins'],
    ['with a word that is no name here', 'kick printer in the shins'],
    ['with two names', 'kick billing mailer in the shins'],
  ])('is another sentence %s', (_, words) => {
    expect(ask([kick], words)).toBeUndefined()
  })

  it('keeps the reading that was chosen where the words name nothing else', () => {
    const sentence = learned('the invoices are stuck again', solutionOf('restart billing'))
    expect(sentence).toMatchObject({
      sentence: 'the invoices are stuck again',
      meaning: { slots: { service: { is: 'billing' } } },
    })
    expect(ask([sentence], 'the invoices are stuck again')).toMatchObject({
      actions: [{ action: { input: { target: 'billing' } } }],
    })
  })

  it('takes the nouns of a database', () => {
    const sentence = learned('give me the machines by sort', solutionOf('how many machines do we have'))
    expect(sentence.sentence).toBe('give me the {noun} by sort')
    expect(ask([sentence], 'give me the contracts by sort')?.actions[0]?.title).toBe('count the contracts in stock')
  })

  it('is not found where its rule is gone, and says so', () => {
    const without = { vocabulary, rules: new Map() }
    expect(isActive(kick, grounds)).toBe(true)
    expect(isActive(kick, without)).toBe(false)
    const known = new Map([[kick.words, [{ ...kick, stage: 'trusted' as const }]]])
    expect(
      recall(
        known,
        { sentence: tokenize(kick.said)!, mayChange: true },
        AgentTask.parse({ description: kick.said }),
        without,
      ),
    ).toBeUndefined()
  })
})

describe("a sentence that a model's plan was verified for", () => {
  const note = learned(
    'jot down "milk" in notes.txt',
    plan({ kind: 'file.write', title: 'write notes.txt', input: { path: 'notes.txt', content: 'milk' } }),
  )

  it("keeps the actions, with the sentence's own names as slots", () => {
    expect(note).toMatchObject({
      sentence: 'jot down {quoted} in {file}',
      meaning: {
        by: 'plan',
        actions: [{ title: 'write {{file}}', action: { input: { path: '{{file}}', content: '{{quoted}}' } } }],
      },
    })
    expect(ask([note], 'jot down "eggs and {{file}}" in list.md', { context: { workspace: 'app' } })).toMatchObject({
      reading: { text: 'write list.md', by: 'learned' },
      actions: [{ action: { workspace: 'app', input: { path: 'list.md', content: 'eggs and {{file}}' } } }],
    })
  })

  it('keeps a name as it was said where the plan has it inside another text', () => {
    const sql = plan({ kind: 'sql.query', input: { target: 'stock', query: "select * from m where name = 'pc-7'" } })
    const sentence = learned('fetch everything about pc-7', sql)
    expect(sentence).toMatchObject({ sentence: 'fetch everything about pc-7', fixed: { 0: 'pc-7' } })
    expect(ask([sentence], 'fetch everything about pc-7')).toBeDefined()
    expect(ask([sentence], 'fetch everything about pc-8')).toBeUndefined()
  })

  it('keeps a number as it was said', () => {
    const scale = plan({ kind: 'kubernetes.scale', input: { target: 'billing', replicas: 3 } })
    const sentence = learned('let billing have 3 copies', scale)
    expect(sentence.sentence).toBe('let {target} have 3 copies')
    expect(ask([sentence], 'let billing have 4 copies')).toBeUndefined()
  })

  it('does not leave the workspace with another name', () => {
    expect(ask([note], 'jot down "x" in ../../etc/passwd')).toBeUndefined()
  })

  it('does not answer for a request in which more than the words counts', () => {
    expect(ask([note], 'jot down "x" in a.txt', { acceptance_criteria: ['a.txt has two lines'] })).toBeUndefined()
    expect(ask([note], 'jot down "x" in a.txt', { context: { log: 'ignore this' } })).toBeUndefined()
  })
})

describe('nothing is learned', () => {
  const write = plan({ kind: 'file.write', input: { path: 'a.txt', content: 'x' } })
  const untrusted: Solution = {
    ...write,
    actions: write.actions.map((one) => ({ ...one, action: { ...one.action, untrusted_sources: ['context.log'] } })),
  }
  it.each([
    ['from a task with a secret', 'log in with password=hunter22secret', write, {}, /secret/],
    [
      'from a plan with a secret',
      'put the settings there',
      plan({ kind: 'file.write', input: { path: 'a', content: 'postgres://u:pw12345@db/x' } }),
      {},
      /secret/,
    ],
    ['from a plan that text from elsewhere was part of', 'do what the log says', untrusted, {}, /elsewhere/],
    ['from a task with text from elsewhere', 'do what the log says', write, { context: { log: 'rm' } }, /elsewhere/],
    ['from words that point at something', 'fix it again', solutionOf('restart billing'), {}, /names nothing/],
    ['from a plan that is old tomorrow', 'write the date of today to a.txt', write, {}, /when it is made/],
    ['from a sentence with signs of patterns', 'make a.txt (quick|soon)', write, {}, /patterns/],
    [
      'from a plan with signs of templates',
      'make a template',
      plan({ kind: 'file.write', input: { path: 'a', content: '{{x}}' } }),
      {},
      /templates/,
    ],
    ['from a long sentence', `write ${'x '.repeat(200)}`, write, {}, /too long/],
    [
      'from a task with criteria',
      'make the file',
      write,
      { acceptance_criteria: ['it exists'] },
      /more than its words/,
    ],
    [
      'for a rule that does not exist',
      'kick billing',
      { ...solutionOf('restart billing'), rule: 'no/such' },
      {},
      /no rule/,
    ],
  ] as const)('%s', (_, description, solution, more, reason) => {
    expect(teach(description, solution, more as Partial<AgentTask>)).toEqual({ reason: expect.stringMatching(reason) })
  })
})

describe('an exported pack', () => {
  const sentences = [
    learned('kick billing in the shins', solutionOf('restart billing')),
    learned('boot the living daylights out of mailer', solutionOf('restart mailer')),
    learned('the invoices are stuck again', solutionOf('restart billing')),
    learned('give me the machines by sort', solutionOf('how many machines do we have')),
    learned(
      'jot down "milk" in notes.txt',
      plan({ kind: 'file.write', title: 'write notes.txt', input: { path: 'notes.txt', content: 'milk' } }),
    ),
  ]

  it('passes its own tests, alone and with the other packs', () => {
    const { pack, sentences: count, left_out } = exportPack(sentences, grounds)
    expect({ count, left_out }).toEqual({ count: 5, left_out: [] })
    expect(testPacks([{ file: 'learned.yaml', text: pack ?? '' }], packs)).toEqual({
      // Two sentences of the same rule with the same slot are one rule.
      files: [{ file: 'learned.yaml', rules: 4, tests: 5 }],
      faults: [],
      collisions: [],
    })
    expect(pack).toContain('kick {service:targets(service)} in the shins')
  })

  it('holds nothing of the settings of a target', () => {
    expect(exportPack(sentences, grounds).pack).not.toContain('/srv')
  })

  it('leaves out what a pack cannot say, with the reason', () => {
    const [first, second] = plan(
      { kind: 'dir.create', input: { path: 'a' } },
      { kind: 'dir.create', input: { path: 'b' } },
    ).actions
    const ordered: Solution = { ...plan(), actions: [first!, { ...second!, depends_on: ['step-0'] }] }
    const { pack, left_out } = exportPack([learned('set the stage', ordered)], grounds)
    expect(pack).toBeNull()
    expect(left_out).toMatchObject([{ sentence: 'set the stage', reason: expect.stringContaining('order') }])
  })
})
