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
  /** Harm is rare enough that some plans have none, and dense enough that most have some. */
  const rarely = <T>(harm: readonly T[], good: readonly T[]): T => (draw(14) === 0 ? one(harm) : one(good))
  const input = (kind: string): object => {
    const path = rarely(['../out.txt', '/etc/passwd', '.env'], ['a.txt', './a.txt', 'b/c.txt'])
    if (kind.startsWith('service')) return { target: rarely(['nothing', 'app'], ['billing']) }
    if (kind === 'command.run') return { argv: rarely<unknown>([[], 'ls'], [['ls']]) }
    if (kind === 'file.move') return { from: path, to: one(['d.txt', 'a.txt']) }
    return { path, content: rarely<unknown>([1, '\u0000'], ['x', 'y']), ...rarely([{ risk: 'none' }], [{}]) }
  }
  for (;;) {
    const names = ['a', 'b', 'c', 'd', rarely(['a', 'F!'], ['e'])]
    const actions = names.slice(0, draw(6)).map((name, index) => {
      const kind = rarely(
        ['rm.rf', 'sudo', 'wait.until'],
        ['file.write', 'file.append', 'file.move', 'service.restart', 'command.run'],
      )
      const before = names.slice(0, index)
      const depends_on = rarely([names, ['zz'], [name]], [before.slice(-1), [], before])
      return {
        kind,
        name,
        title: rarely([''], ['do it']),
        input: input(kind),
        depends_on,
        ...rarely([{ level: 0 }], [{}]),
      }
    })
    const plan = JSON.stringify({ actions, ...rarely([{ approved: true }], [{}]) })
    yield rarely(
      [
        `<think>${plan}</think>`,
        `${plan}${plan.replace('do it', 'do')}`,
        plan.slice(0, -3),
        'I would rather not.',
        '[]',
        'null',
      ],
      [plan, plan, `Sure!\n\`\`\`json\n${plan}\n\`\`\``],
    )
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
