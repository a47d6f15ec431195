import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { describe, expect, it } from 'vitest'
import { faultsOf } from '../decomposing/check-plan.ts'
import { decompose } from '../decomposing/decompose.ts'
import { builtInMethods, MethodPackError, readMethods } from './method-pack.ts'

const planOf = (goal: string, methods = builtInMethods()) => {
  const { nodes, method } = decompose({ goal }, methods)
  return { method, tasks: nodes.filter(({ kind }) => kind === 'task'), nodes }
}

function ownMethods(text: string) {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'own.yaml'), text)
  return readMethods(folder.path)
}

const EXAMPLE = join(import.meta.dirname, '../../../../examples/methods')

describe('a compound request', () => {
  it('becomes tasks of real kinds, in the order of what they need and make', () => {
    const { tasks, method } = planOf('Create the table, then the endpoint, then tests, and restart demo-api')
    expect(method).toBe('methods')
    expect(tasks.map(({ id, description, depends_on }) => [id, description, depends_on])).toEqual([
      ['task-1', 'create a table for items in migrations/create_items.sql', []],
      ['task-2', 'create an endpoint for items in src/items-server.js', ['task-1']],
      ['task-3.write', 'create tests for items in test/items.test.js', ['task-2']],
      ['task-3.run', 'run the tests with `node --test test/items.test.js`', ['task-3.write']],
      ['task-3.verify', 'Verify: test/items.test.js exists', ['task-3.run']],
      ['task-4', 'restart demo-api', ['task-2', 'task-3.run']],
      ['verify', expect.stringContaining('demo-api is running'), ['task-3.verify', 'task-4']],
    ])
    expect(tasks.map(({ check }) => (check?.by === 'kind' ? check.kinds : check?.by))).toEqual([
      ['code.generate'],
      ['code.generate'],
      ['code.generate'],
      ['test.run'],
      'criteria',
      ['service.restart'],
      'criteria',
    ])
  })

  it.each([
    'Create the orders table, then the endpoint, then tests',
    'create a table, an endpoint and tests for orders',
    'create a crud for orders',
    'build an orders service with a table, an endpoint and tests',
  ])('means one name for all of its parts: %s', (goal) => {
    const { tasks } = planOf(goal)
    expect(tasks.flatMap(({ makes = [] }) => makes).filter((fact) => fact.startsWith('file '))).toEqual([
      'file migrations/create_orders.sql',
      'file src/orders-server.js',
      'file test/orders.test.js',
    ])
  })

  it('is written in the language that its words name, and its tables in SQL', () => {
    const { tasks } = planOf('create a table, an endpoint and tests for orders in python')
    expect(tasks.flatMap(({ language }) => language ?? [])).toEqual(['sql', 'python', 'python'])
  })

  it('never has two tasks at once that make one file, or change one service', () => {
    const { nodes } = planOf(
      'write "a" to a.txt and append "b" to A.txt and delete a.txt and stop demo-api and start Demo-API',
    )
    expect(faultsOf(nodes, [])).toEqual([])
    const races = nodes.map((node) => ({ ...node, depends_on: [] }))
    expect(faultsOf(races, []).join()).toMatch(/make file a\.txt at once.*make service demo-api at once/)
  })

  it('keeps the words of a simple goal, and of those that say more than a method knows', () => {
    for (const goal of [
      'restart demo-api',
      'create a table for orders',
      'create a crud for orders with soft deletes and audit',
    ]) {
      const { tasks } = planOf(goal)
      expect(tasks[0]?.description).toBe(goal)
    }
    const { tasks } = planOf('Create a table for orders. Create an endpoint for orders. Do not touch demo-api.')
    expect(tasks.map(({ description }) => description)).toEqual([
      'Create a table for orders. Do not touch demo-api.',
      'Create an endpoint for orders. Do not touch demo-api.',
    ])
  })

  it('has the same key for the same work in another plan, and another key for work after other work', () => {
    const keys = (goal: string) => new Map(planOf(goal).nodes.map(({ description, key }) => [description, key]))
    const one = keys('create a crud for orders and show a.txt')
    const other = keys('show a.txt, show b.txt')
    expect(one.get('show a.txt')).toMatch(/^[0-9a-f]{16}$/)
    expect(other.get('show a.txt')).toBe(one.get('show a.txt'))
    expect(keys('show b.txt, then show a.txt').get('show a.txt')).not.toBe(one.get('show a.txt'))
  })
})

describe('an own pack', () => {
  it('is used before the built-in ones', () => {
    const { tasks, method } = planOf('warm up demo-api', readMethods(EXAMPLE))
    expect(method).toBe('methods')
    expect(tasks.map(({ id, depends_on }) => [id, depends_on])).toEqual([
      ['task-1.start', []],
      ['task-1.note', ['task-1.start']],
      ['task-1.status', ['task-1.start']],
      ['task-1.verify', ['task-1.note', 'task-1.status']],
    ])
    expect(tasks.at(-1)?.acceptance_criteria).toEqual(['demo-api is running', 'warm/demo-api.txt exists'])
  })

  it.each([
    [
      'a kind that is not there',
      'operators:\n  - { name: a, match: [glow], kinds: [lamp.glow] }',
      'no kind of action lamp.glow',
    ],
    [
      'a slot that is not there',
      'methods:\n  - { name: a, match: ["do {thing}"], steps: [{ id: a, do: b }] }',
      'no slot {thing}',
    ],
    [
      'a name that no sentence has',
      'methods:\n  - { name: a, match: [glow], steps: [{ id: a, do: "start {{service}}" }] }',
      'has no {service}',
    ],
    [
      'steps that wait for one another',
      'methods:\n  - { name: a, match: [glow], steps: [{ id: a, do: b, after: [c] }, { id: c, do: d, after: [a] }] }',
      'wait for one another',
    ],
    ['a field that is not there', 'methods:\n  - { name: a, match: [glow], step: [] }', 'own.yaml'],
  ])('is refused with its place: %s', (_what, entry, message) => {
    expect(() => ownMethods(`pack: own\nversion: 1\ndescription: x\n${entry}\n`)).toThrow(MethodPackError)
    expect(() => ownMethods(`pack: own\nversion: 1\ndescription: x\n${entry}\n`)).toThrow(message)
  })

  it('whose method leads to itself plans nothing that does not end', () => {
    const loop =
      'methods:\n  - { name: a, match: ["warm up {service}"], steps: [{ id: a, do: "warm up {{service}}" }] }'
    const { tasks } = planOf('warm up demo-api', ownMethods(`pack: own\nversion: 1\ndescription: x\n${loop}\n`))
    expect(tasks.map(({ description }) => description)).toEqual(['warm up demo-api'])
  })
})
