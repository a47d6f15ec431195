// The core against a model of the world around it: workers that report late, twice, out of order or never, people who
// decide at any time, room and keys that come and go. After every step, what holds for all histories is checked.
//
// A failure prints its seed and the shortest history that leads to it. MODEL_RUNS sets how many histories are tried.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { histories, plans } from '../../test/core-model/history.ts'
import { checkChain } from '../../test/core-model/invariants.ts'
import { begin, bringToRest, playedOut, take } from '../../test/core-model/play.ts'

const RUNS = Number(process.env.MODEL_RUNS ?? 80)

/** Effects within one moment, of which the later one is that of a task further up in the plan. */
const plain = { approval: undefined, onFailure: null, priority: 2, key: false }
const SAME_MOMENT: { plan: Parameters<typeof begin>[0]; steps: Parameters<typeof take>[1][] } = {
  plan: {
    ask: false,
    autoRollback: true,
    approvals: [],
    tasks: [
      { kind: 'act', wants: [], ...plain },
      { kind: 'solve', wants: [], ...plain },
      { kind: 'act', wants: [1], ...plain },
      { kind: 'act', wants: [], ...plain },
    ],
  },
  steps: [
    { op: 'solution', pick: 0, acts: 2, approval: false },
    { op: 'late', pick: 0, verdict: 'done' },
    { op: 'work', times: 3 },
    { op: 'late', pick: 11, verdict: 'transient_made' },
    { op: 'cancel', undo: true },
  ],
}

describe('the core, whatever happens in whatever order', () => {
  it(
    'keeps every promise after every step',
    () => {
      fc.assert(
        fc.property(plans, histories, (plan, steps) => {
          const model = begin(plan)
          for (const step of steps) take(model, step)
          checkChain(model)
        }),
        { numRuns: RUNS },
      )
    },
    60_000 + RUNS * 100,
  )

  it(
    'ends by its regular checks alone, once nothing fails any more',
    () => {
      fc.assert(
        fc.property(plans, histories, fc.boolean(), (plan, steps, peopleCome) => {
          const model = begin(plan)
          for (const step of steps) take(model, step)
          bringToRest(model, peopleCome)
          checkChain(model)
        }),
        { numRuns: RUNS, examples: [[SAME_MOMENT.plan, SAME_MOMENT.steps, false]] },
      )
    },
    60_000 + RUNS * 100,
  )

  it(
    'reaches the same end, however often its reports are repeated, and in whatever order',
    () => {
      fc.assert(
        fc.property(plans, fc.array(fc.nat(9), { maxLength: 60, size: 'max' }), (plan, order) => {
          const once = playedOut(plan, [])
          expect(playedOut(plan, order)).toEqual(once)
        }),
        { numRuns: RUNS },
      )
    },
    60_000 + RUNS * 100,
  )
})
