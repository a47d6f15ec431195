import { parseExecutionConfig } from '@deed/config/execution-config'
import { AgentTask } from '@deed/proto/agent'
import { describe, expect, it } from 'vitest'
import { decideBy } from './decide.ts'
import { RulePackError } from './pack-fault.ts'
import { readRunbooks } from './runbooks.ts'
import { vocabularyOf } from './vocabulary.ts'

const world = (runbooks: string) =>
  parseExecutionConfig(`workspaces: { app: { root: /srv/app } }
targets: { shop: { type: systemd, unit: shop.service } }
runbooks:
${runbooks}`)

const SHIP = `
  ship-it:
    words: [ship it, Release the shop]
    expected_seconds: 90
    steps:
      - { name: stop, kind: service.stop, input: { target: shop } }
      - { name: put, kind: command.run, input: { command: [cp, a, b] }, verify: { kind: file, path: b, exists: true } }
      - { name: note, kind: file.write, input: { path: n.txt, content: x }, depends_on: [] }
`

const ask = (config: ReturnType<typeof world>, description: string, context?: AgentTask['context']) =>
  decideBy([], vocabularyOf(config), readRunbooks(config))(AgentTask.parse({ description, context }))

describe('a runbook', () => {
  it('is matched by its words; by default its steps run in sequence', () => {
    const reply = ask(world(SHIP), 'Please release the shop.')
    expect(reply).toMatchObject({
      outcome: 'handled',
      method: 'autonomous',
      solution: {
        rule: 'runbooks/ship-it',
        estimated_ms: 90_000,
        actions: [
          { name: 'stop', depends_on: [], action: { kind: 'service.stop' } },
          { name: 'put', depends_on: ['stop'], action: { verify: { kind: 'file', path: 'b' } } },
          { name: 'note', depends_on: [] },
        ],
      },
    })
  })

  it('works in the workspace that the request names', () => {
    expect(ask(world(SHIP), 'ship it', { workspace: 'app' })).toMatchObject({
      solution: { actions: [{ action: { workspace: 'app' } }, {}, {}] },
    })
  })

  it.each(['ship it?', 'do not ship it', 'ship it tomorrow', 'ship', 'say "ship it"', '"ship it"'])(
    'is not matched by: %s',
    (text) => {
      expect(ask(world(SHIP), text)).toMatchObject({ outcome: 'declined' })
    },
  )

  it('is called by its name where it has no words of its own', () => {
    const config = world('  full-backup:\n    steps: [{ name: a, kind: dir.create, input: { path: b } }]\n')
    expect(ask(config, 'full backup')).toMatchObject({ outcome: 'handled' })
  })

  it('is refused at start-up if it is invalid, with every reason', () => {
    const config = world(`
  one:
    words: [go, "say 'x'"]
    steps:
      - { name: a, kind: file.write, depends_on: [b] }
      - { name: a, kind: dir.create, timeout_ms: 1 }
  two: { words: [GO], steps: [{ name: a, kind: dir.create, verify: { kind: nothing } }] }
`)
    const faults = [
      'runbooks.one.steps[0].depends_on: no step before it is called "b"',
      'runbooks.one.steps[1].name: there is a step "a" already',
      `runbooks.one.words: "say 'x'" has quotes`,
      'runbooks.two.steps[0].action.verify',
      'runbooks.two.words: "GO" means runbooks.one already',
    ]
    expect(() => readRunbooks(config)).toThrow(RulePackError)
    for (const fault of faults) expect(() => readRunbooks(config)).toThrow(fault)
  })
})
