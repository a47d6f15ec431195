import { PHASES } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { expectValidGraph } from '../../test/expect-valid-graph.ts'
import { decompose, type Goal } from './decompose.ts'

describe('a goal', () => {
  it('gives each acceptance criterion to one task', () => {
    const criteria = ['demo-api answers', 'a.txt exists', 'nobody complains']
    const { nodes } = decompose({ goal: 'create a.txt, then restart demo-api', acceptance_criteria: criteria })
    expect(nodes.map(({ acceptance_criteria }) => acceptance_criteria)).toEqual([
      ['a.txt exists'],
      ['demo-api answers', 'nobody complains'],
      criteria,
    ])
    // The last one observes all of them, once the others are done.
    expect(nodes.at(-1)).toMatchObject({ id: 'verify', verifies: ['task-1', 'task-2'], depends_on: ['task-2'] })
  })

  it('rates the risk of each task', () => {
    const risks = decompose({ goal: 'show web-01, then restart demo-api, then delete a.txt' }).nodes.map(
      ({ risk }) => risk,
    )
    expect(risks).toEqual(['low', 'medium', 'high'])
  })
})

describe('a large goal', () => {
  const LARGE: [string, Goal['complexity']][] = [
    ['Build an inventory system with search, import and an admin page', undefined],
    ['Implement a booking platform', undefined],
    ['build a web application with login, billing and reports', undefined],
    ['Create a complete e-commerce application', undefined],
    ['create a notification service', 'complex'],
    ['refactor the billing module', 'complex'],
    ['create a backend for a shop', 'medium'],
  ]
  const NOT_LARGE: [string, Goal['complexity']][] = [
    ['Build an inventory system with search, import and an admin page', 'simple'],
    ['create a NATS consumer for processing user events', 'medium'],
    ['restart service demo-api', 'complex'],
    ['deploy the application', 'complex'],
    ['deploy the application', 'medium'],
    ['check the booking system', undefined],
    ['how many assets do we have?', 'complex'],
    ['fix the bug in the platform', 'medium'],
    ['create a file with a, b and c', undefined],
  ]

  it.each(LARGE)('is planned in phases: %s (%s)', (goal, complexity) => {
    const graph = decompose({ goal, complexity })
    expect(graph.method).toBe('phases')
    expectValidGraph(graph.nodes)
    expect(graph.nodes.filter(({ kind }) => kind === 'phase').map(({ id }) => id)).toEqual([...PHASES])
    for (const node of graph.nodes.filter(({ kind }) => kind === 'task')) {
      if (!node.verifies) expect(node.description).toContain(goal)
      expect(node.acceptance_criteria).not.toEqual([])
      expect(node.estimated_ms).toBeGreaterThan(0)
    }
    expect(graph.critical_path_ms).toBeGreaterThan(0)
  })

  it.each(NOT_LARGE)('has no ceremony when it is none: %s (%s)', (goal, complexity) => {
    expect(decompose({ goal, complexity }).method).toBe('single')
  })

  it('implements its parts in parallel and verifies every criterion at the end', () => {
    const { nodes } = decompose({
      goal: 'Build an inventory system with search, import and an admin page',
      acceptance_criteria: ['search answers in 1 s'],
    })
    const byId = new Map(nodes.map((node) => [node.id, node]))
    expect(byId.get('refinement.search.implement')?.depends_on).toEqual(['architecture.design'])
    expect(byId.get('refinement.admin-page.implement')?.depends_on).toEqual(['architecture.design'])
    expect(byId.get('completion.integrate')?.depends_on).toHaveLength(3)
    const left = nodes.flatMap(({ capability, acceptance_criteria }) =>
      capability === 'solve' ? acceptance_criteria : [],
    )
    expect(left).toContain('docs/inventory-system/outline/search.md exists')
    expect(byId.get('completion.verify')?.acceptance_criteria).toEqual(['search answers in 1 s', ...left])
  })

  it('takes the complexity from the context, too', () => {
    expect(decompose({ goal: 'create a notifier', context: { complexity: 'complex' } }).method).toBe('phases')
  })
})
