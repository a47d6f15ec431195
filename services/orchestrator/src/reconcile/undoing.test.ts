// One input, one decision: what is undone, in which order, and what happens where that fails.
import { describe, expect, it } from 'vitest'
import { decide, planFor, report, reviews, rollBack, statusOf, testCases, tick } from '../../test/core-model/cases.ts'
import type { Step } from '../../test/core-model/history.ts'
import { begin, take } from '../../test/core-model/play.ts'

describe('an undo', () => {
  testCases([
    {
      title: 'an undo that cannot be done asks one person, and says that it failed',
      given: { acts: [[]] },
      inputs: [report('done'), rollBack(), report('failed')],
      expected: { status: 'rollback_failed', tasks: ['blocked', 'pending'] },
    },
    {
      title: 'an undo that may pass is tried again later, and nothing is claimed meanwhile',
      given: { acts: [[]] },
      inputs: [report('done'), rollBack(), report('transient')],
      expected: { status: 'undoing', tasks: ['failed'] },
    },
    {
      title: 'one action alone is undone, and the rest stays done',
      given: { acts: [[], [0]] },
      inputs: [report('done'), report('done'), rollBack(1), report('done')],
      expected: { status: 'done', tasks: ['done', 'undone'] },
    },
    {
      title: 'the last of the actions that are undone one by one is the rollback of all',
      given: { acts: [[], [0]] },
      inputs: [report('done'), report('done'), rollBack(1), report('done'), rollBack(0), report('done')],
      expected: { status: 'rolled_back', tasks: ['undone', 'undone'] },
    },
    {
      title: 'an action that a later one rests on is not undone by itself',
      given: { acts: [[], [0]] },
      inputs: [report('done'), report('done'), rollBack(0)],
      expected: { status: 'done', tasks: ['done', 'done'], refused: 'not_undoable' },
    },
    {
      title: 'a rollback of a rollback changes nothing',
      given: { acts: [[]] },
      inputs: [report('done'), rollBack(), report('done'), rollBack()],
      expected: { status: 'rolled_back', tasks: ['undone'], refused: 'already_rolled_back' },
    },
    {
      title: 'an undo that a person had tried again ends as any other',
      given: { acts: [[]] },
      inputs: [report('done'), rollBack(), report('failed'), decide('retry'), report('done')],
      expected: { status: 'rolled_back', tasks: ['undone', 'done'] },
    },
    {
      title: 'what a person has brought back is rolled back',
      given: { acts: [[]] },
      inputs: [report('done'), rollBack(), report('failed'), decide('provide')],
      expected: { status: 'rolled_back', tasks: ['undone', 'done'] },
    },
    {
      title: 'what could not be undone is undone at the second try, and nobody is asked any more',
      given: { acts: [[], []] },
      inputs: [report('done'), report('done'), rollBack(1), report('failed'), rollBack(1), report('done')],
      expected: { status: 'done', tasks: ['done', 'undone', 'cancelled'] },
    },
    {
      title: 'an undo that failed keeps its place: what was done later is undone before it',
      given: { acts: [[], []] },
      inputs: [report('done'), report('done'), rollBack(0), report('failed'), rollBack()],
      expected: { status: 'undoing', tasks: ['cancelled', 'in_progress', 'cancelled'] },
    },
    {
      title: 'what a person skipped keeps its place, too',
      given: { acts: [[], []], ask: true },
      inputs: [report('failed_made'), report('done'), decide('skip'), rollBack()],
      expected: { status: 'undoing', tasks: ['cancelled', 'in_progress', 'done'] },
    },
    {
      title: 'an undo is tried again however often the doing had failed',
      given: { acts: [[]] },
      inputs: [
        ...Array.from({ length: 11 }, (): Step[] => [report('transient'), tick(60_000)]).flat(),
        report('done'),
        rollBack(),
        report('transient'),
      ],
      expected: { status: 'undoing', tasks: ['failed'] },
    },
  ])

  it('that nobody reports is asked about', () => {
    const model = begin(planFor({ acts: [[]] }))
    for (const step of [report('done'), rollBack(), ...Array.from({ length: 60 }, () => tick(60_000))])
      take(model, step)
    expect(statusOf(model, 0)).toBe('blocked')
    expect(model.snapshot.execution.status).toBe('rollback_failed')
    expect(reviews(model)).toEqual(['HUMAN-REVIEW-task-0'])
  })
})
