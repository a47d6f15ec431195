import { describe, expect, it } from 'vitest'
import { parseRulePack } from './rule-pack.ts'

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
    ['an unknown slot type', 'match: "ping {x:tagret}"\nactions: []', /own\.yaml: rule "ping"/],
    ['a mistyped slot type', `match: "ping {x:wrod}"\n${actions('{ a: b }')}`, /no slot type "wrod"; there are word,/],
    [
      'a parenthesis left open',
      `match: "ping (a|b"\n${actions('{ a: b }')}`,
      /match\[0\] "ping \(a\|b": a parenthesis is not closed/,
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
    ['an unknown field', `match: ping\n${actions('{ a: b }')}\nregex: .*`, /rule "ping": .*regex/],
    [
      'a field of a slot that is not an entity',
      `match: "ping {host:word}"\n${actions('{ a: "{{host.table}}" }')}`,
      /only an entity has fields/,
    ],
  ])('with %s is refused with its position', (_, rule, message) => {
    expect(() => parseRulePack(pack(rule), 'own.yaml')).toThrow(message)
  })

  it('is refused as YAML with its line', () => {
    expect(() => parseRulePack('pack: a\npack: b', 'own.yaml')).toThrow(/own\.yaml: .*line 2/s)
  })
})
