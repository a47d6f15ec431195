// A model server that wants to do harm: whatever it answers, a plan that is taken is valid. A referee of its own judges.
import { AgentTask, type PlannedAction } from '@deed/proto/agent'
import { inDependencyOrder } from '@deed/proto/graph'
import { factsOf } from '@deed/proto/kinds'
import { expect, it } from 'vitest'
import { startFakeOllama } from '../../../../test/fake-ollama/start-fake-ollama.ts'
import { ollamaServer } from './ollama.ts'
import { readAnswer, schemaFor } from './read-answer.ts'

const ANSWERS = 300
const world = {
  targets: {
    billing: {
      ...{ type: 'process' as const, command: ['node'], cwd: '/srv', env: {}, stable_for: 1_000, stop_timeout: 5_000 },
    },
  },
  workspaces: { app: { root: '/srv/app' } },
}
const task = AgentTask.parse({
  description: 'Please compose some lines about rivers for me',
  context: { workspace: 'app' },
  acceptance_criteria: ['a.txt exists', 'billing is running'],
})

function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Plans with cycles, unknown kinds and targets, stray fields, doubled names, paths outside, prose, or none of these. */
function* adversary(seed: number): Generator<string> {
  const draw = seeded(seed)
  const one = <T>(of: readonly T[]): T => of[draw(of.length)] as T
  const input = (kind: string): object => {
    const path = one(['a.txt', './a.txt', 'b/c.txt', '../out.txt', '/etc/passwd', '.env', 'a.txt'])
    if (kind.startsWith('service')) return { target: one(['billing', 'billing', 'nothing', 'app']) }
    if (kind === 'command.run') return { argv: one([['ls'], [], 'ls']) }
    if (kind === 'file.move') return { from: path, to: one(['d.txt', 'a.txt']) }
    return { path, content: one(['x', 'y', 1, '\u0000']), ...(draw(12) === 0 ? { risk: 'none', verified: true } : {}) }
  }
  const kinds = [
    'file.write',
    'file.write',
    'file.append',
    'file.move',
    'service.restart',
    'command.run',
    'rm.rf',
    'sudo',
    'code.generate',
  ]
  for (;;) {
    const names = ['a', 'b', 'c', 'd', one(['a', 'e']), one(['F!', 'f'])]
    const count = draw(7)
    const actions = names.slice(0, count).map((name) => {
      const kind = draw(3) === 0 ? one(kinds) : one(kinds.slice(0, 5))
      return {
        ...{ kind, name, title: one(['do it', 'do it', '']), input: input(kind) },
        ...(draw(3) === 0 ? { depends_on: [one(names), one(['a', 'zz'])] } : {}),
        ...(draw(20) === 0 ? { level: 0 } : {}),
      }
    })
    const plan = JSON.stringify({ actions, ...(draw(20) === 0 ? { approved: true } : {}) })
    yield one([
      plan,
      plan,
      plan,
      plan,
      `Sure!\n\`\`\`json\n${plan}\n\`\`\``,
      `<think>${plan}</think>${plan}`,
      `${plan}${plan}`,
      plan.slice(0, -3),
      'I would rather not.',
      '[]',
      'null',
    ])
  }
}

function faults(actions: readonly PlannedAction[]): string[] {
  const found: string[] = []
  const names = actions.map(({ name }) => name)
  if (new Set(names).size < names.length) found.push('a name is there twice')
  for (const { depends_on } of actions)
    for (const other of depends_on) if (!names.includes(other)) found.push(`no ${other}`)
  if (found.length > 0) return found
  if (inDependencyOrder(actions.map(({ name, depends_on }) => ({ id: name, depends_on }))).cycle) return ['a cycle']
  const before = new Map<string, Set<string>>()
  const lastOn = new Map<string, string>()
  for (const { name, action, depends_on } of actions) {
    const earlier = new Set(depends_on.flatMap((other) => [other, ...(before.get(other) ?? [])]))
    before.set(name, earlier)
    const { kind, input } = action
    if (!factsOf(kind)) found.push(`the kind ${kind}`)
    for (const field of ['path', 'from', 'to']) {
      const path = input[field]
      if (typeof path !== 'string' || kind === 'wait.until') continue
      if (/^\/|\.\./.test(path)) found.push(`the path ${path}`)
      const last = lastOn.get(path.replace(/^\.\//, ''))
      if (last !== undefined && last !== name && !earlier.has(last))
        found.push(`${last} and ${name} change ${path} at once`)
      lastOn.set(path.replace(/^\.\//, ''), name)
    }
    if (kind.startsWith('service.') && input.target !== 'billing') found.push(`the target ${input.target}`)
    for (const field of ['risk', 'level', 'verified', 'approved'])
      if (field in input || field in action) found.push(`the field ${field}`)
  }
  for (const criterion of task.acceptance_criteria ?? []) {
    const check = actions.find(({ action }) => action.checks === criterion)
    if (!check || !actions.every(({ name, action }) => action.checks || before.get(check.name)?.has(name)))
      found.push(`nothing observes ${criterion}`)
  }
  return found
}

it('of an adversary three hundred answers are read, and every plan that is taken is valid and observes every criterion', async () => {
  const answers = adversary(7)
  await using fake = await startFakeOllama({ answer: () => answers.next().value as string })
  const server = ollamaServer(fake.url)
  const never = new AbortController().signal
  const schema = schemaFor(['file.write', 'service.restart'], world)
  let taken = 0
  const refused = new Set<string>()
  for (let index = 0; index < ANSWERS; index++) {
    const question = {
      model: 'fake:latest',
      messages: [{ role: 'user' as const, content: 'x' }],
      schema,
      signal: never,
    }
    // On a busy machine an idle connection may be closed while it is used again.
    const answer = await server.ask(question).catch(() => server.ask(question))
    const read = readAnswer(answer, task, world)
    if ('problem' in read) {
      refused.add(read.problem.slice(0, 30))
      continue
    }
    taken++
    expect(faults(read.solution.actions), answer.text).toEqual([])
  }
  expect(taken).toBeGreaterThan(20)
  expect(refused.size).toBeGreaterThan(8)
})
