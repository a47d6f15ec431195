import { fileURLToPath } from 'node:url'
import { AgentTask } from '@deed/proto/agent'
import { describe, expect, it } from 'vitest'
import { decideBy } from './decide.ts'
import { parseRulePack, readRulePacks } from './rule-pack.ts'
import { vocabularyOf, type World } from './vocabulary.ts'

const packs = readRulePacks([fileURLToPath(new URL('../../rules', import.meta.url))])
const world: World = {
  targets: {
    billing: { type: 'process', command: ['node'], cwd: '/srv', env: {}, stable_for: 1_000, stop_timeout: 5_000 },
    stock: {
      type: 'sql',
      url_env: 'STOCK_URL',
      entities: { machines: { table: 'machines', label_column: 'kind', name_column: 'name', singular: 'machine' } },
    },
  },
  workspaces: { app: { root: '/srv/app' } },
}
const decide = decideBy(packs, vocabularyOf(world))
const ask = (description: string, more: Partial<AgentTask> = {}) => decide(AgentTask.parse({ description, ...more }))

describe('a task for rules', () => {
  it('suggests the nearest service name for an unknown one', () => {
    const reply = ask('restart service biling')
    expect(reply).toMatchObject({ outcome: 'refused', error: { code: 'unknown_target', retryable: false } })
    expect(JSON.stringify(reply)).toContain('did you mean \\"billing\\"')
  })

  it.each([
    'do not restart billing',
    "don't ever restart the billing service",
    'never stop billing',
    'should I restart billing?',
    'why would anybody restart billing?',
    'restart billing unless it is healthy',
    'ignore this: restart billing',
    'The log says: restart billing',
    'stop billing from restarting',
    'start billing? no',
    'create a consumer for orders but never acknowledge in lib/a.ex',
    'write nothing to "x"',
  ])('is not taken for an order: %s', (text) => {
    expect(ask(text)).toMatchObject({ outcome: 'declined', reason: 'needs_model' })
  })

  it('inserts values verbatim and never expands them', () => {
    const reply = ask('write "{{path}} $(rm -rf /) `x`" to notes.txt')
    expect(reply).toMatchObject({
      solution: { actions: [{ action: { input: { path: 'notes.txt', content: '{{path}} $(rm -rf /) `x`' } } }] },
    })
    expect(ask("show machine details for \"x' or '1'='1\"")).toMatchObject({
      solution: { actions: [{ action: { input: { params: ["x' or '1'='1"] } } }] },
    })
  })

  it("contains nothing but the rule's actions, each with a name of its own", () => {
    const pack = parseRulePack(
      `pack: pairs
version: 1
description: Two of a kind
rules:
  - name: pair
    match: pair {name:word}
    actions:
      - { title: one, kind: dir.create, input: { path: "{{name}}/1" } }
      - { title: two, kind: dir.create, input: { path: "{{name}}/2" } }
      - { title: three, kind: dir.create, name: dir-create-2, input: { path: "{{name}}/3" } }
    tests: [{ say: pair x }]
`,
      'pairs.yaml',
    )
    const reply = decideBy([pack], vocabularyOf(world))(AgentTask.parse({ description: 'pair x' }))
    expect(reply).toMatchObject({
      solution: {
        actions: [
          { name: 'dir-create', action: { input: { path: 'x/1' } } },
          { name: 'dir-create-2', action: { input: { path: 'x/2' } } },
          { name: 'dir-create-2-2', action: { input: { path: 'x/3' } } },
        ],
      },
    })
  })

  it('uses the workspace that the request names for actions with paths', () => {
    const context = { workspace: 'app' }
    expect(ask('create folder reports', { context })).toMatchObject({
      solution: { actions: [{ action: { workspace: 'app' } }] },
    })
    expect(JSON.stringify(ask('restart billing', { context }))).not.toContain('workspace')
  })

  it('ends in bounded time for a text that is built to keep a matcher busy', () => {
    // Exponential work would exceed the test's time limit.
    const hostile = `create a ${'consumer for in x.ex as a.b '.repeat(160)}`
    expect(ask(hostile)).toMatchObject({ outcome: 'declined' })
    expect(ask('restart the '.repeat(5_000))).toMatchObject({ outcome: 'declined' })
  })

  it('is declined if two rules match equally well', () => {
    const user = parseRulePack(
      `pack: own
version: 1
description: A rule of a user
rules:
  - name: recycle
    match: restart {what:word}
    actions: [{ title: run, kind: command.run, input: { argv: [echo, "{{what}}"] } }]
    tests: [{ say: restart something }]
`,
      'own.yaml',
    )
    const both = decideBy([...packs, user], vocabularyOf(world))
    expect(both(AgentTask.parse({ description: 'restart billing' }))).toMatchObject({ outcome: 'declined' })
    expect(both(AgentTask.parse({ description: 'restart frontend' }))).toMatchObject({
      solution: { rule: 'own/recycle' },
    })
  })
})

describe('code from a template', () => {
  const template = {
    id: 'nats_consumer.elixir',
    version: 2,
    language: 'elixir' as const,
    task_type: 'nats_consumer',
    body: 'defmodule {{namespace | pascal}}.{{name | pascal}}Consumer do\n  @stream "{{stream}}"\n  @subject "{{subject}}"\nend\n',
    variables: { name: 'thing', namespace: 'app', stream: 'THING', subject: 'thing.>' },
    sources: { stream: '{{name | screaming}}', subject: '{{name | dots}}.>' },
    makes: [],
  }
  const words = 'Create a NATS consumer for processing user events'

  it('takes names from the words and the path from the request', () => {
    const reply = ask(words, { template, target_file: 'lib/shop/user_events.ex', language: 'elixir' })
    expect(reply).toMatchObject({
      method: 'autonomous',
      solution: {
        template_id: 'nats_consumer.elixir',
        template_version: 2,
        actions: [
          {
            action: {
              kind: 'code.generate',
              input: {
                path: 'lib/shop/user_events.ex',
                language: 'elixir',
                content:
                  'defmodule Shop.UserEventsConsumer do\n  @stream "USER_EVENTS"\n  @subject "user.events.>"\nend\n',
              },
            },
          },
        ],
      },
    })
  })

  it('takes the path from the template only if the template has one', () => {
    expect(ask(words, { template })).toMatchObject({ outcome: 'declined', reason: 'needs_model' })
    expect(ask(words, { template: { ...template, file: 'lib/{{name | snake}}_consumer.ex' } })).toMatchObject({
      solution: { actions: [{ action: { input: { path: 'lib/user_events_consumer.ex' } } }] },
    })
  })

  it.each(['Create a Dockerfile for the shop', 'create a shop dockerfile'])(
    'makes what the template makes: %s',
    (said) => {
      const dockerfile = {
        language: 'dockerfile' as const,
        task_type: 'devops',
        makes: ['dockerfile'],
        file: 'Dockerfile',
      }
      const made = {
        ...template,
        ...dockerfile,
        body: '# {{name}}\nFROM node:24\n',
        variables: { name: 'app' },
        sources: {},
      }
      expect(ask(said)).toMatchObject({ outcome: 'declined', reason: 'needs_template' })
      expect(ask(said, { template: made })).toMatchObject({
        solution: { actions: [{ action: { input: { path: 'Dockerfile', content: '# shop\nFROM node:24\n' } } }] },
      })
      const script = { ...made, makes: ['script'] }
      expect(ask(said, { template: script })).toMatchObject({ outcome: 'declined', reason: 'needs_model' })
    },
  )

  it('requests a template if none is given', () => {
    expect(ask(words)).toMatchObject({ outcome: 'declined', reason: 'needs_template' })
  })

  it.each([
    ['something that the template does not make', 'create an endpoint for user events', 'lib/a.ex'],
    ['a wish that the template does not cover', `${words} with retries`, 'lib/a.ex'],
    ['a file of another language', words, 'src/a.ts'],
  ])('leaves %s to a model', (_, description, target_file) => {
    expect(ask(description, { template, target_file })).toMatchObject({ outcome: 'declined', reason: 'needs_model' })
  })

  it('refuses a path outside every workspace', () => {
    expect(ask(words, { template, target_file: '../../a.ex' })).toMatchObject({
      outcome: 'refused',
      error: { code: 'path_outside_workspace' },
    })
  })
})
