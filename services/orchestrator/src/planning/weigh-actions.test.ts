// What cannot be undone belongs behind all that may fail.
import { Action, Inspection } from '@deed/proto/action'
import type { ExecutionId, TaskId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { newTask } from '../execution/new-task.ts'
import { readPolicy } from '../policy/policy.ts'
import { type Candidate, putIrreversibleLast } from './weigh-actions.ts'

const policy = readPolicy(`${import.meta.dirname}/../../policy/default.yaml`)
const refusing = { ...policy, irreversible_first: { ...policy.irreversible_first, answer: 'refuse' as const } }
const ID = '01890000-0000-7000-8000-000000000001' as ExecutionId

type Step = { final?: boolean; reads?: boolean; after?: number[] }

function plan(...steps: Step[]): Candidate[] {
  const ids = steps.map((_, index) => `01890000-0000-7000-8000-0000000001${String(index).padStart(2, '0')}` as TaskId)
  return steps.map(({ final = false, reads = false, after = [] }, index) => ({
    task: newTask(
      { tenant: 'local', execution_id: ID },
      {
        task_id: ids[index] as TaskId,
        position: index,
        name: `step-${index}`,
        title: `step ${index}`,
        task_kind: 'act',
        capability: 'act',
        priority: 5,
        level: reads ? 0 : 2,
        dependencies: after.map((one) => ids[one] as TaskId),
        now: 0,
      },
    ),
    action: Action.parse({ kind: 'command.run', input: {} }),
    summary: `step ${index}`,
    why: '',
    effect: reads ? 'read' : 'run',
    inspection: Inspection.parse({
      effect: reads ? 'read' : 'run',
      reversibility: final ? 'irreversible' : 'reversible',
      already_so: false,
      state_before: '',
      summary: '',
      resolved: {},
    }),
  }))
}

const levels = (...steps: Step[]): number[] => {
  const candidates = plan(...steps)
  putIrreversibleLast(policy, candidates)
  return candidates.map(({ task }) => task.level)
}

describe('a step that cannot be undone', () => {
  it('is left alone at the end of everything', () => {
    expect(levels({}, { after: [0] }, { final: true, after: [1] })).toEqual([2, 2, 2])
    expect(levels({ final: true })).toEqual([2])
  })

  it('has its own approval where something comes after it, or besides it', () => {
    expect(levels({ final: true }, { after: [0] })).toEqual([3, 2])
    expect(levels({}, { final: true })).toEqual([2, 3])
    expect(levels({ final: true }, { final: true, after: [0] })).toEqual([3, 2])
  })

  it('may come before what only reads', () => {
    expect(levels({ final: true }, { reads: true, after: [0] })).toEqual([2, 0])
  })

  it('comes too early where nobody knows yet what else is to be done', () => {
    const [first] = plan({ final: true })
    const [unknown] = plan({}, {}).slice(1)
    if (!first || !unknown) throw new Error('no plan')
    putIrreversibleLast(policy, [first], [{ ...unknown.task, task_kind: 'solve' }])
    expect(first.task.level).toBe(3)
  })

  it('is refused there by a policy that says so, with what to do about it', () => {
    expect(() => putIrreversibleLast(refusing, plan({ final: true }, { after: [0] }))).toThrow(
      expect.objectContaining({
        code: 'irreversible_first',
        message:
          '"step 0" cannot be undone, and a step that may fail is not done before it: put it after "step 1", or request it separately',
      }),
    )
    expect(() => putIrreversibleLast(refusing, plan({}, { final: true, after: [0] }))).not.toThrow()
  })
})
