import { describe, expect, it } from 'vitest'
import { RulePackError } from './pack-fault.ts'
import { parseRulePack, parseRulePacks } from './rule-pack.ts'

const pack = (rule: string) => `pack: own
version: 1
description: One rule
rules:
  - name: ping
${rule
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
    tests: [{ say: ping }]
`
const actions = (input: string) => `actions: [{ title: t, kind: sql.query, input: ${input} }]`

describe('a rule pack', () => {
  it.each([
    [
      'an unknown slot type',
      'match: "ping {x:tagret}"\nactions: []',
      /^own\.yaml:7: rule "ping": actions: must not be empty$/,
    ],
    [
      'a slot type that every object has',
      `match: "ping {x:constructor}"\n${actions('{ a: b }')}`,
      /no slot type "constructor"/,
    ],
    ['a mistyped slot type', `match: "ping {x:wrod}"\n${actions('{ a: b }')}`, /no slot type "wrod"; there are word,/],
    [
      'a parenthesis left open',
      `match: "ping (a|b"\n${actions('{ a: b }')}`,
      /^own\.yaml:6: rule "ping": match\[0\] "ping \(a\|b": a parenthesis is not closed$/,
    ],
    ['an empty match', `match: "(ping)?"\n${actions('{ a: b }')}`, /matches an empty sentence/],
    [
      'a slot used but never filled',
      `match: "ping {host:word}"\n${actions('{ a: "{{hots}}" }')}`,
      /actions\.0\.input\.a uses the slot "hots".*did you mean "host"/,
    ],
    [
      'a slot that only an optional part fills',
      `match: "ping ({host:word})?"\n${actions('{ a: "{{host}}" }')}`,
      /not every pattern fills/,
    ],
    [
      'words of the sentence inside a statement',
      `match: "ping {host:word}"\n${actions('{ query: "select {{host}}" }')}`,
      /as params, not as text/,
    ],
    [
      'an action for each value of a slot that holds one',
      'match: "ping {host:word}"\nactions: [{ title: t, kind: sql.query, input: { a: "{{each}}" }, for_each: host }]',
      /actions\.0\.for_each: the slot "host" holds one value/,
    ],
    [
      'an action for each value of an unknown slot',
      'match: "ping {hosts:targets}"\nactions: [{ title: t, kind: sql.query, input: { a: "{{each}}" }, for_each: host }]',
      /for_each uses the slot "host".*did you mean "hosts"/,
    ],
    ['no outcome', 'match: ping', /exactly one of actions, generate and refuse/],
    ['an unknown field', `match: ping\n${actions('{ a: b }')}\nregex: .*`, /^own\.yaml:8: rule "ping": .*regex/],
    [
      'a field of a slot that is not an entity',
      `match: "ping {host:word}"\n${actions('{ a: "{{host.table}}" }')}`,
      /only an entity has fields/,
    ],
  ])('with %s is refused with its position', (_, rule, message) => {
    expect(() => parseRulePack(pack(rule), 'own.yaml')).toThrow(message)
  })

  it('names the faults of all rules and all files, each with its line', () => {
    const two = `${pack('match: "ping (a"\nactions: [{ title: t, kind: dir.create, input: {} }]')}  - name: pong
    match: pong
    actions: [{ title: "{{who}}", kind: dir.create, input: { path: a } }]
    tests: [{ say: pong }]
`
    const faults = faultsOf(() =>
      parseRulePacks([
        { file: 'a.yaml', text: two },
        { file: 'b.yaml', text: 'pack: b\nversion: one\n' },
      ]),
    )
    expect(faults.map(({ file, line }) => [file, line])).toEqual([
      ['a.yaml', 6],
      ['a.yaml', 11],
      ['b.yaml', 2],
      ['b.yaml', 1],
      ['b.yaml', 1],
    ])
  })

  it('is refused as YAML with its line', () => {
    expect(() => parseRulePack('pack: a\npack: b', 'own.yaml')).toThrow(/^own\.yaml:2: Map keys must be unique$/)
  })
})

function faultsOf(parse: () => unknown) {
  try {
    parse()
  } catch (error) {
    if (error instanceof RulePackError) return error.faults
    throw error
  }
  return []
}
