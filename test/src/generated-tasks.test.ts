// A thousand task texts, without any model: every plan is valid, the same twice, and observes every criterion.
import { factsOf } from '@deed/proto/kinds'
import { decomposeTask } from '@deed/proto/task'
import { faultsOf } from '@deed/task-decomposer/decomposing/check-plan'
import { decompose } from '@deed/task-decomposer/decomposing/decompose'
import { builtInMethods, readMethods } from '@deed/task-decomposer/methods/method-pack'
import { expect, it } from 'vitest'
import { generatedTasks } from '../words/generated-tasks.ts'

const TASKS = generatedTasks(1_000)
const PLANS = TASKS.map((task) => ({ task, plan: decompose(task) }))

it('of a thousand texts every one becomes a valid plan, whose every task has a proof or says that it has none', () => {
  const methods = new Set<string>()
  for (const {
    task,
    plan: { nodes, method },
  } of PLANS) {
    methods.add(method)
    expect(faultsOf(nodes, task.acceptance_criteria ?? []), task.goal).toEqual([])
    decomposeTask.output.shape.nodes.parse(nodes)
    for (const { check, kind } of nodes) {
      if (kind !== 'task') continue
      expect(check, task.goal).toBeDefined()
      if (check?.by === 'kind') for (const one of check.kinds) expect(factsOf(one)).toBeDefined()
    }
  }
  expect([...methods].sort()).toEqual(['clauses', 'methods', 'phases', 'single'])
})

it('of a thousand texts every one becomes the same plan again, byte for byte, with methods that were read again', () => {
  const again = readMethods()
  expect(again).not.toBe(builtInMethods())
  for (const { task, plan } of PLANS) {
    expect(JSON.stringify(decompose(structuredClone(task), again))).toBe(JSON.stringify(plan))
  }
})

it('of a thousand texts with criteria every criterion is observed by a task that waits for the others', () => {
  let covered = 0
  for (const {
    task,
    plan: { nodes },
  } of PLANS) {
    for (const criterion of task.acceptance_criteria ?? []) {
      const observers = nodes.filter(
        ({ verifies, acceptance_criteria }) => verifies && acceptance_criteria.includes(criterion),
      )
      expect(observers, `${task.goal}: ${criterion}`).not.toEqual([])
      expect(observers.every(({ depends_on }) => depends_on.length > 0)).toBe(true)
      covered++
    }
  }
  expect(covered).toBeGreaterThan(1_000)
})
