// One input, one decision: what people are asked, what their answers do, and what their silence does.
import { describe, expect, it } from 'vitest'
import { decide, planFor, report, reviews, statusOf, testCases, tick } from '../../test/core-model/cases.ts'
import { begin, take } from '../../test/core-model/play.ts'
import { APPROVAL_MS, PERSON_MS } from '../../test/core-model/rows.ts'

describe('a person', () => {
  testCases([
    {
      title: 'an approval that nobody gave in time denies it',
      given: { acts: [[]], approval: true },
      inputs: [tick(APPROVAL_MS + 1)],
      expected: { status: 'denied', tasks: ['cancelled', 'cancelled'] },
    },
    {
      title: 'what a person is to do waits for nobody else, and is handed out to nobody',
      given: { acts: [[], []], person: true },
      inputs: [report('done')],
      expected: { status: 'waiting', tasks: ['pending', 'done'] },
    },
    {
      title: 'what a person provides is done, and what waits for it continues',
      given: { acts: [[], [0]], person: true },
      inputs: [decide('provide')],
      expected: { status: 'running', tasks: ['done', 'in_progress'] },
    },
    {
      title: 'what no person does in time denies it',
      given: { acts: [[]], person: true },
      inputs: [tick(PERSON_MS)],
      expected: { status: 'denied', tasks: ['cancelled'] },
    },
    {
      title: 'what a person refuses denies it, and undoes what was done',
      given: { acts: [[], []], person: true },
      inputs: [report('done'), decide('deny')],
      expected: { status: 'undoing', tasks: ['cancelled', 'in_progress'] },
    },
    {
      title: 'where it is to ask, a failure for good blocks that task, and the others go on',
      given: { acts: [[], [0], []], ask: true },
      inputs: [report('failed'), report('done')],
      expected: { status: 'waiting', tasks: ['blocked', 'pending', 'done', 'pending'] },
    },
    {
      title: 'a task that a person skips keeps nothing from going on',
      given: { acts: [[], [0]], ask: true },
      inputs: [report('failed'), decide('skip'), report('done')],
      expected: { status: 'done', tasks: ['skipped', 'done', 'done'] },
    },
    {
      title: 'a task that fails again after a person had it tried again is asked about again',
      given: { acts: [[]], ask: true },
      inputs: [report('failed'), decide('retry'), report('failed')],
      expected: { status: 'waiting', tasks: ['blocked', 'done', 'pending'] },
    },
    {
      title: 'a task that a person gives up undoes what was done',
      given: { acts: [[], []], ask: true },
      inputs: [report('failed'), report('done'), decide('cancel')],
      expected: { status: 'undoing', tasks: ['cancelled', 'in_progress', 'done'] },
    },
    {
      title:
        'a task that a person has planned again is out of the way, and what waits for it waits for the new actions',
      given: { acts: [[], [0], []], ask: true },
      inputs: [report('failed'), report('done'), decide('replan')],
      expected: { status: 'running', tasks: ['skipped', 'pending', 'done', 'done', 'in_progress'] },
    },
    {
      title: 'a review is decided once',
      given: { acts: [[]], ask: true },
      inputs: [report('failed'), decide('retry'), decide('skip')],
      expected: { status: 'running', tasks: ['in_progress', 'done'], refused: 'approval_already_used' },
    },
  ])

  it('is asked after an hour without progress, not before', () => {
    const model = begin(planFor({ acts: [[]] }))
    for (let hours = 0; hours < 12; hours++) {
      take(model, report('transient'))
      if (hours < 10) expect(statusOf(model, 0)).toBe('pending')
      take(model, tick(600_000))
    }
    expect(statusOf(model, 0)).toBe('blocked')
    expect(model.snapshot.execution.status).toBe('waiting')
    expect(reviews(model)).toEqual(['HUMAN-REVIEW-task-0'])
  })

  it('is asked, too, about a task whose workers never report', () => {
    const model = begin(planFor({ acts: [[]] }))
    for (let minutes = 0; minutes < 90; minutes++) take(model, tick(60_000))
    expect(statusOf(model, 0)).toBe('blocked')
    expect(reviews(model)).toEqual(['HUMAN-REVIEW-task-0'])
  })
})
