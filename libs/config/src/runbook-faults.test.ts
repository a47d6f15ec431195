import { describe, expect, it } from 'vitest'
import { parseExecutionConfig } from './execution-config.ts'

const refusal = (text: string): string => {
  try {
    parseExecutionConfig(text)
    return 'accepted'
  } catch (error) {
    return String(error)
  }
}

const runbook = (step: string, more = ''): string => `${more}
targets:
  api: { type: process, command: [node] }
  shop: { type: sql, url_env: SHOP }
runbooks: { go: { steps: [${step}] } }
`

describe('a runbook of execution.yaml', () => {
  it.each([
    ['a mistyped kind', '{ name: a, kind: file.wirte }', 'no kind "file.wirte"; did you mean "file.write"? (line 5)'],
    ['an unknown kind', '{ name: a, kind: lamp.switch }', 'to provided_kinds'],
    [
      'a mistyped target',
      '{ name: a, kind: service.stop, input: { target: appi } }',
      'input.target: no target "appi"; did you mean "api"? (line 5)',
    ],
    [
      'an unknown target',
      '{ name: a, kind: service.stop, input: { target: blog } }',
      'no target "blog"; matching targets are api',
    ],
    [
      'a target of another type',
      '{ name: a, kind: sql.query, input: { target: api } }',
      'the target "api" is of type process; sql.query takes sql',
    ],
    [
      'a target if none matches',
      '{ name: a, kind: nats.publish, input: { target: bus } }',
      'no target "bus"; execution.yaml has no matching target',
    ],
  ])('is refused for %s', (_, step, words) => {
    expect(refusal(runbook(step))).toContain(words)
  })

  it('may use configured targets, the address of a process, and kinds of providers', () => {
    for (const step of [
      '{ name: a, kind: service.stop, input: { target: api } }',
      '{ name: a, kind: http.request, input: { target: api } }',
      '{ name: a, kind: http.request, input: { url: "http://x/" } }',
      '{ name: a, kind: human.task, input: { ask: look } }',
    ])
      expect(refusal(runbook(step))).toBe('accepted')
    expect(refusal(runbook('{ name: a, kind: lamp.switch }', 'provided_kinds: [lamp.switch]'))).toBe('accepted')
    expect(refusal(runbook('{ name: a, kind: lamp.swich }', 'provided_kinds: [lamp.switch]'))).toContain(
      'did you mean "lamp.switch"?',
    )
  })
})
