/** Single decisions of the core, each a history that the model of the core takes with all its invariants. */
import type { PersonDecision } from '@deed/proto/person'
import { expect, it } from 'vitest'
import { reviewOf } from '../../src/execution/person-task.ts'
import type { ExecutionRow, TaskRow } from '../../src/execution/snapshot.ts'
import type { Plan, Step, Verdict } from './history.ts'
import type { Model } from './model.ts'
import { begin, take } from './play.ts'

interface Given {
  /** For each task, the positions of those that it depends on. */
  acts: number[][]
  /** All of them wait for one approval. */
  approval?: boolean
  /** The first is done by a person. */
  person?: boolean
  /** Where one fails for good, a person is asked. */
  ask?: boolean
}

export interface Case {
  title: string
  given: Given
  inputs: Step[]
  /** The statuses at the end, and the code of the last step's refusal. */
  expected: { status: ExecutionRow['status']; tasks: TaskRow['actual_status'][]; refused?: string }
}

export const report = (verdict: Verdict): Step => ({ op: 'report', pick: 0, verdict })
export const decide = (decision: PersonDecision): Step => ({ op: 'resolve', pick: 0, decision })
export const rollBack = (pick?: number): Step => ({ op: 'rollback', ...(pick === undefined ? {} : { pick }) })
export const steer = (wish: 'paused' | 'resumed' | 'retried'): Step => ({ op: 'steer', wish })
export const cancel = (undo: boolean): Step => ({ op: 'cancel', undo })
export const tick = (ms: number): Step => ({ op: 'tick', ms })

/** One test for each case. */
export function testCases(cases: readonly Case[]): void {
  for (const { title, given, inputs, expected } of cases) {
    it(title, () => {
      const model = begin(planFor(given))
      const [refused] = inputs.map((step) => take(model, step)).slice(-1)
      const { execution, tasks } = model.snapshot
      const statuses = [...tasks.values()].map(({ actual_status }) => actual_status)
      expect({ status: execution.status, tasks: statuses, refused }).toEqual({ refused: undefined, ...expected })
    })
  }
}

export function planFor({ acts, approval = false, person = false, ask = false }: Given): Plan {
  const task = { approval: approval ? 0 : undefined, onFailure: null, priority: 5, key: false }
  return {
    tasks: acts.map((wants, index) => ({ kind: person && index === 0 ? 'person' : 'act', wants, ...task })),
    approvals: approval ? [{ ahead: false, wants: [] }] : [],
    ask,
    autoRollback: true,
  }
}

export const statusOf = ({ snapshot }: Model, index: number): TaskRow['actual_status'] | undefined =>
  [...snapshot.tasks.values()][index]?.actual_status

/** The names of the reviews that people are, or were, asked for. */
export const reviews = ({ snapshot }: Model): string[] =>
  [...snapshot.tasks.values()].filter((task) => reviewOf(task) !== undefined).map(({ name }) => name)
