// The names that every object has: as words of a sentence, of a pack, and of the world, they are words like others.

import { fileURLToPath } from 'node:url'
import { Target } from '@deed/config/targets'
import { type AgentReply, AgentTask, processTask } from '@deed/proto/agent'
import { describe, expect, it } from 'vitest'
import { parseRulePack, readRulePacks } from '../rules/rule-pack.ts'
import { vocabularyOf } from '../rules/vocabulary.ts'
import { understanding } from './understand.ts'

/** And the words that mentions are compared by. */
const NAMES = [...Object.getOwnPropertyNames(Object.prototype), '__service__', '__nouns__']
const packs = readRulePacks([fileURLToPath(new URL('../../rules', import.meta.url))])
/** Training takes a moment, and each world needs its own. */
const ofTargets = packs.filter(({ rules }) => /^(?:services|entities)\//.test(rules[0]?.id ?? ''))
const service = Target.parse({ type: 'process', command: ['true'] })
const workspaces = {}

type Understand = ReturnType<typeof understanding>
const ask = (understand: Understand, description: string): AgentReply =>
  processTask.output.parse(understand(AgentTask.parse({ description }), { explain: true }))

const doneBy = (reply: AgentReply): string[] =>
  reply.outcome === 'handled'
    ? reply.solution.actions.map(({ action: { kind, input } }) => `${kind} ${input.target}`)
    : []

describe('a name that every object has', () => {
  const understand = understanding(packs, vocabularyOf({ targets: { billing: service }, workspaces }))

  it.each(NAMES)('is an unknown word of a sentence: %s', (name) => {
    for (const say of [
      'X',
      'X?',
      'X X',
      'restart X',
      'X billing',
      'stop the X service',
      "X's status",
      'X it',
      'start X, then X',
    ]) {
      const reply = ask(understand, say.replaceAll('X', name))
      expect(doneBy(reply)).toEqual([])
      expect(JSON.stringify(reply)).not.toContain('[native code]')
    }
    for (const say of [
      'how many X are there?',
      'list X',
      'find X in notes.txt',
      'what is in X',
      'X per X',
      'restart billing X',
    ])
      expect(JSON.stringify(ask(understand, say.replaceAll('X', name)))).not.toContain('[native code]')
  })

  it.each(NAMES)('is a word of a pack: %s', (name) => {
    const text = `
      pack: own
      version: 1
      description: Says ${name}
      world: { targets: { billing: { type: process, command: ["true"] } } }
      rules:
        - name: own
          match: ["${name} the {service:target(service)} (${name}|again)"]
          paraphrases: ["let ${name} happen to {service}"]
          actions: [{ title: start it, kind: service.start, input: { target: "{{service}}" } }]
          tests: [{ say: "${name} the billing again", actions: [{ kind: service.start, input: { target: billing } }] }]`
    const own = understanding(
      [parseRulePack(text, 'own.yaml')],
      vocabularyOf({ targets: { billing: service }, workspaces }),
    )
    expect(doneBy(ask(own, `${name} the billing ${name}`))).toEqual(['service.start billing'])
    expect(doneBy(ask(own, `please let ${name} happen to billing`))).toEqual(['service.start billing'])
  })

  it.each(NAMES)('names a target, and rows: %s', (name) => {
    const entities = Object.fromEntries([[name, { table: 'things', name_column: 'name' }]])
    const stock = Target.parse({ type: 'sql', url_env: 'STOCK_URL', entities: {} })
    const targets = Object.fromEntries([
      [name, service],
      ['stock', { ...stock, entities }],
    ]) as Record<string, Target>
    const there = understanding(ofTargets, vocabularyOf({ targets, workspaces }))
    expect(doneBy(ask(there, `restart ${name}`))).toEqual([`service.restart ${name}`])
    expect(ask(there, `how many ${name} are there?`)).toMatchObject({ outcome: 'handled' })
  })
})
