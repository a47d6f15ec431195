// What is expected to end within 30 s is answered with its result.

import { PlannedAction, type Solution } from '@deed/proto/agent'
import { defined } from '@deed/proto/json'
import type { GoalNode } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { expectTimes } from './expected-time.ts'
import type { SolvedNode } from './solve-node.ts'

const node = (id: string, estimated_ms: number, depends_on: string[] = []): GoalNode => ({
  id,
  kind: 'task',
  title: id,
  description: id,
  depends_on,
  acceptance_criteria: [],
  estimated_ms,
  estimated_cost_usd: 0,
  capability: 'act',
  risk: 'low',
})

const solution = (actions: { kind: string; input?: object }[], estimated_ms?: number): Solution => ({
  actions: actions.map(({ kind, input = {} }, index) =>
    PlannedAction.parse({ name: `a${index}`, title: kind, action: { kind, input } }),
  ),
  answer: { kind: 'actions' },
  confidence: 1,
  ...defined({ estimated_ms }),
})

const expected = (...nodes: SolvedNode[]): number => expectTimes(nodes).estimatedMs

describe('the time that is expected', () => {
  it('is that of the actions, whatever the words suggest', () => {
    const write = solution([{ kind: 'file.write' }])
    expect(expected({ node: node('a', 20_000), solution: write })).toBeLessThan(100)
    expect(
      expected({ node: node('a', 20_000), solution: write }, { node: node('b', 20_000, ['a']), solution: write }),
    ).toBeLessThan(100)
    expect(expected({ node: node('a', 1), solution: solution([{ kind: 'kubernetes.rollout' }]) })).toBeGreaterThan(
      30_000,
    )
    const wait = solution([{ kind: 'wait.until', input: { within_ms: 45_000 } }])
    expect(expected({ node: node('a', 1_000), solution: wait })).toBe(45_000)
  })

  it('is what the solution itself says, where it says so', () => {
    expect(expected({ node: node('a', 1_000), solution: solution([{ kind: 'file.write' }], 90_000) })).toBe(90_000)
  })

  it('is what the words suggest where a model is to be asked', () => {
    expect(expected({ node: node('a', 20_000) })).toBe(20_000)
    expect(expected({ node: node('a', 20_000) }, { node: node('b', 20_000, ['a']) })).toBe(40_000)
    expect(expected({ node: node('a', 20_000) }, { node: node('b', 20_000) })).toBe(20_000)
  })
})
