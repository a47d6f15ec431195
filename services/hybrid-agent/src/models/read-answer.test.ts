import { AgentTask } from '@deed/proto/agent'
import { describe, expect, it } from 'vitest'
import { kindsFor } from './kinds-for.ts'
import { readAnswer, schemaFor } from './read-answer.ts'

const step = (more: object = {}) => ({
  kind: 'file.write',
  name: 'write',
  title: 'write the note',
  input: { path: 'note.txt', content: 'hello' },
  ...more,
})
const task = AgentTask.parse({ description: 'leave a note', context: { workspace: 'app' } })
const world = {
  targets: {
    billing: {
      type: 'process' as const,
      command: ['node'],
      cwd: '/srv',
      env: {},
      stable_for: 1_000,
      stop_timeout: 5_000,
    },
  },
  workspaces: { app: { root: '/srv/app' } },
}
const read = (answer: unknown, more: object = {}) =>
  readAnswer(
    { text: typeof answer === 'string' ? answer : JSON.stringify(answer) },
    AgentTask.parse({ ...task, ...more }),
    world,
  )
const plan = JSON.stringify({ actions: [step()] })
const two = JSON.stringify({ actions: [step({ name: 'other' })] })

describe('the answer of a model', () => {
  it('becomes actions in the workspace of the task', () => {
    expect(read({ actions: [step()] })).toMatchObject({
      solution: { actions: [{ action: { kind: 'file.write', workspace: 'app', input: { path: 'note.txt' } } }] },
    })
  })

  it.each([
    ['a kind that does not exist', { actions: [step({ kind: 'database.drop' })] }, /kind/],
    ['a risk of its own choice', { actions: [step({ risk: 0 })] }, /risk/],
    ['a verification of its own', { actions: [step({ verify: { kind: 'not', of: [] } })] }, /verify/],
    [
      'a field that the kind does not have',
      { actions: [step({ input: { path: 'a', content: '', mode: '0777' } })] },
      /mode/,
    ],
    ['a claim of success', { actions: [step()], verified: true }, /verified/],
    ['a thousand actions', { actions: Array.from({ length: 1_000 }, (_, at) => step({ name: `w-${at}` })) }, /20/],
    ['no action', { actions: [] }, /no action/],
    ['an empty plan in a fence', '```json\n{"actions": []}\n```', /no action/],
    ['two plans that differ', `Either ${plan} or ${two}`, /several plans/],
    ['a plan in thinking that never ends', `<think>${'x'.repeat(20)} {`, /not JSON/],
    ['a key that is there twice', '{"actions": [], "actions": []}', /twice|duplicate/],
    ['prose', 'I have written the file. Everything is verified.', /not JSON/],
    ['a list', '[]', /object/],
    [
      'a path outside the workspace',
      { actions: [step({ input: { path: '../../etc/passwd', content: '' } })] },
      /outside/,
    ],
    [
      'an observation of a file outside the workspace',
      { actions: [step({ kind: 'command.run', input: { argv: ['ls'], expect_files: ['/etc/passwd'] } })] },
      /outside/,
    ],
    [
      'an address that is not a web page',
      { actions: [step({ kind: 'http.request', input: { url: 'file:///etc/passwd' } })] },
      /url/,
    ],
    ['an unknown target', { actions: [step({ kind: 'service.stop', input: { target: 'invented' } })] }, /invented/],
    [
      'a target of another type',
      { actions: [step({ kind: 'sql.query', input: { target: 'billing', query: 'x' } })] },
      /billing/,
    ],
    [
      'a circle of dependencies',
      { actions: [step({ depends_on: ['other'] }), step({ name: 'other', depends_on: ['write'] })] },
      /depends on "other"/,
    ],
    ['two actions with the same name', { actions: [step(), step()] }, /the same name/],
  ])('with %s is refused with the reason', (_, answer, why) => {
    expect(read(answer)).toMatchObject({ problem: expect.stringMatching(why) })
  })

  it.each([
    ['in a fence', { text: `\`\`\`json\n${plan}\n\`\`\`` }],
    ['with prose before it', { text: `Here is the plan:\n${plan}` }],
    ['with prose behind it', { text: `${plan}\n\nI have written the file.` }],
    ['with braces in the prose', { text: `I use {braces} and "quotes: ${plan} {done}` }],
    ['said twice', { text: `${plan}\n\`\`\`json\n${plan}\n\`\`\`` }],
    ['after its thinking, which contains a draft', { text: `<think>perhaps ${two}</think>\n${plan}` }],
    ['after thinking without its opening tag', { text: `perhaps ${two}</think>${plan}` }],
    ['next to a thinking field', { text: plan, thinking: `perhaps ${two}` }],
    ['in the thinking field alone', { text: '', thinking: plan }],
    ['as a tool call', { text: '', calls: [{ name: 'plan', arguments: { actions: [step()] } }] }],
    ['as a call named after the kind', { text: '', calls: [{ name: 'file_write', arguments: step().input }] }],
    [
      'as a call in the text',
      { text: `<tool_call>{"name": "file.write", "arguments": ${JSON.stringify(step().input)}}</tool_call>` },
    ],
    ['as a call whose arguments are a JSON string', { text: '', calls: [{ name: 'plan', arguments: plan }] }],
  ])('is found %s', (_, answer) => {
    expect(readAnswer(answer, task, world)).toMatchObject({
      solution: { actions: [{ action: { kind: 'file.write', input: { path: 'note.txt', content: 'hello' } } }] },
    })
  })

  it("keeps a thinking tag inside a file's content", () => {
    const content = '<think>this is the file</think>'
    expect(read({ actions: [step({ input: { path: 'note.txt', content } })] })).toMatchObject({
      solution: { actions: [{ action: { input: { content } } }] },
    })
  })

  it('is searched in bounded time', () => {
    const started = performance.now()
    expect(readAnswer({ text: '{'.repeat(2_000_000) }, task, world)).toMatchObject({ problem: expect.any(String) })
    expect(performance.now() - started).toBeLessThan(30_000)
  })

  const restart = { description: 'Turn billing off and on again' }

  it.each([
    ['a file instead of a restart', [step()], /says to restart billing, but no action does/],
    [
      'an observation instead of a restart',
      [step({ kind: 'service.status', input: { target: 'billing' } })],
      /no action does/,
    ],
    ['half of it', [step({ kind: 'service.stop', input: { target: 'billing' } })], /no action does/],
    [
      'the wrong order',
      [
        step({ kind: 'service.start', input: { target: 'billing' } }),
        step({ kind: 'service.stop', name: 'stop', input: { target: 'billing' } }),
      ],
      /no action does/,
    ],
    [
      'an additional file',
      [step({ kind: 'service.restart', name: 'restart', input: { target: 'billing' } }), step()],
      /nothing else; remove file.write/,
    ],
  ])('is refused if it does not fit the words: %s', (_, actions, why) => {
    expect(read({ actions }, restart)).toMatchObject({ problem: expect.stringMatching(why) })
  })

  it('is followed by a check that does not come from the plan, if a rule can check the words', () => {
    const actions = [step({ kind: 'service.restart', input: { target: 'billing' } })]
    expect(read({ actions }, restart)).toMatchObject({
      solution: {
        actions: [
          { action: { kind: 'service.restart' } },
          {
            depends_on: ['write'],
            action: {
              kind: 'wait.until',
              checks: 'restart billing',
              input: { observation: { kind: 'service', target: 'billing', state: 'running' } },
            },
          },
        ],
      },
    })
  })

  it.each([
    ['notes.txt exists', { kind: 'file', path: 'notes.txt', exists: true }],
    ['The file "my notes" does not exist.', undefined],
    ['old.log is gone', { kind: 'file', path: 'old.log', exists: false }],
    ['notes.txt contains "hello"', { kind: 'file', path: 'notes.txt', exists: true, contains: 'hello' }],
    ['the folder reports exists', { kind: 'dir', path: 'reports', exists: true }],
    ['billing is running', { kind: 'service', target: 'billing', state: 'running' }],
    ['billing is down', { kind: 'service', target: 'billing', state: 'stopped' }],
    ['../secrets.txt exists', undefined],
    ['it is beautiful', undefined],
  ])('is checked by the criterion "%s" if a rule knows how', (criterion, observation) => {
    const { solution } = read({ actions: [step()] }, { acceptance_criteria: [criterion] }) as {
      solution: { actions: { action: { checks?: string; input: object } }[] }
    }
    const [, check] = solution.actions
    if (observation === undefined) expect(check).toBeUndefined()
    else expect(check?.action).toMatchObject({ checks: criterion, input: { observation } })
  })

  it('is not checked by half of its criteria', () => {
    const read2 = read({ actions: [step()] }, { acceptance_criteria: ['notes.txt exists', 'it is beautiful'] })
    expect(read2).toMatchObject({ solution: { actions: [{ name: 'write' }] } })
  })

  it('is requested with a schema that has only the bounds a grammar can count', () => {
    const schema = schemaFor(kindsFor(task, world), world) as { properties: { actions: { maxItems: number } } }
    const text = JSON.stringify(schema)
    expect(schema.properties.actions.maxItems).toBe(20)
    expect(text).toContain('"additionalProperties":false')
    expect(text).toContain('"maxLength":256')
    expect(text).not.toMatch(/"(pattern|format|minimum|maximum)"/)
    for (const [, count] of text.matchAll(/"(?:max|min)(?:Length|Items)":(\d+)/g)) {
      expect(Number(count)).toBeLessThanOrEqual(1_024)
    }
  })

  it('is requested with the kinds that fit the words and the configured targets', () => {
    const kinds = (description: string) => kindsFor(AgentTask.parse({ description }), world)
    expect(kinds('leave a note')).toEqual(expect.arrayContaining(['file.write', 'service.restart']))
    for (const kind of ['sql.query', 'sql.execute', 'kubernetes.scale', 'nats.publish', 'git.commit', 'test.run']) {
      expect(kinds('leave a note')).not.toContain(kind)
    }
    expect(kinds('commit my changes')).toContain('git.commit')
    const fitting = kinds('Turn billing off and on again')
    expect(fitting).toEqual(['service.start', 'service.stop', 'service.restart', 'service.status', 'service.logs'])
    expect(JSON.stringify(schemaFor(fitting, world))).toContain('"enum":["billing"]')
  })
})
