import { AgentTask } from '@deed/proto/agent'
import { describe, expect, it } from 'vitest'
import { ANSWER_SCHEMA, readAnswer } from './read-answer.ts'

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
const read = (answer: unknown) => readAnswer(typeof answer === 'string' ? answer : JSON.stringify(answer), task, world)

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
    ['markdown around it', '```json\n{"actions": []}\n```', /not JSON/],
    ['prose', 'I have written the file. Everything is verified.', /not JSON/],
    ['a list', '[]', /object/],
    [
      'a path outside the workspace',
      { actions: [step({ input: { path: '../../etc/passwd', content: '' } })] },
      /outside/,
    ],
    [
      'a file outside the workspace to be looked for',
      { actions: [step({ kind: 'command.run', input: { argv: ['ls'], expect_files: ['/etc/passwd'] } })] },
      /outside/,
    ],
    [
      'an address that is no web page',
      { actions: [step({ kind: 'http.request', input: { url: 'file:///etc/passwd' } })] },
      /url/,
    ],
    [
      'a target that nobody knows',
      { actions: [step({ kind: 'service.stop', input: { target: 'invented' } })] },
      /invented/,
    ],
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
    ['two actions of one name', { actions: [step(), step()] }, /one name/],
  ])('with %s is refused, and told why', (_, answer, why) => {
    expect(read(answer)).toMatchObject({ problem: expect.stringMatching(why) })
  })

  it('is asked for by a schema that a grammar can be made of', () => {
    const schema = JSON.stringify(ANSWER_SCHEMA)
    expect(schema).toContain('"additionalProperties":false')
    expect(schema).not.toMatch(/maxLength|maxItems|pattern/)
  })
})
