// One input, one decision: how tasks begin, fail, and are stopped, paused and retried.
import { describe, expect, it } from 'vitest'
import { cancel, planFor, report, rollBack, steer, testCases, tick } from '../../test/core-model/cases.ts'
import { LEASE_MS, limitsOf } from '../../test/core-model/model.ts'
import { begin } from '../../test/core-model/play.ts'
import { APPROVAL_MS } from '../../test/core-model/rows.ts'
import { draftOf, hasChanged } from '../execution/draft.ts'
import { reconcile } from './reconcile.ts'

describe('a task', () => {
  testCases([
    {
      title: 'a plan is handed out as soon as there is room',
      given: { acts: [[]] },
      inputs: [],
      expected: { status: 'running', tasks: ['in_progress'] },
    },
    {
      title: 'a task waits for those that it depends on',
      given: { acts: [[], [0]] },
      inputs: [],
      expected: { status: 'running', tasks: ['in_progress', 'pending'] },
    },
    {
      title: 'a verified report ends it',
      given: { acts: [[]] },
      inputs: [report('done')],
      expected: { status: 'done', tasks: ['done'] },
    },
    {
      title: 'a report without evidence is refused, and changes nothing',
      given: { acts: [[]] },
      inputs: [report('claimed')],
      expected: { status: 'running', tasks: ['in_progress'], refused: 'evidence_missing' },
    },
    {
      title: 'a report under an old token is refused, and changes nothing',
      given: { acts: [[]] },
      inputs: [tick(LEASE_MS + 1), { op: 'late', pick: 0, verdict: 'done' }],
      expected: { status: 'running', tasks: ['in_progress'], refused: 'stale_token' },
    },
    {
      title: 'a failure that may pass is tried again later',
      given: { acts: [[]] },
      inputs: [report('transient')],
      expected: { status: 'running', tasks: ['pending'] },
    },
    {
      title: 'a failure for good undoes what was done, newest first',
      given: { acts: [[], [0], [1]] },
      inputs: [report('done'), report('done'), report('failed')],
      expected: { status: 'undoing', tasks: ['done', 'in_progress', 'failed'] },
    },
    {
      title: 'cancelled while it runs, it ends when what runs has, and that is undone',
      given: { acts: [[], [0]] },
      inputs: [cancel(false), report('failed_made')],
      expected: { status: 'undoing', tasks: ['in_progress', 'cancelled'] },
    },
    {
      title: 'cancelled between two tries, it is not tried again, and what the first may have done is undone',
      given: { acts: [[]] },
      inputs: [{ op: 'beat', pick: 0 }, tick(LEASE_MS + 1), cancel(false)],
      expected: { status: 'undoing', tasks: ['in_progress'] },
    },
    {
      title: 'a second cancel changes nothing',
      given: { acts: [[]] },
      inputs: [cancel(true), cancel(false)],
      expected: { status: 'running', tasks: ['in_progress'] },
    },
    {
      title: 'what has failed can no more be cancelled than what is done',
      given: { acts: [[]] },
      inputs: [report('failed'), cancel(false)],
      expected: { status: 'failed', tasks: ['failed'], refused: 'not_cancellable' },
    },
    {
      title: 'paused, it hands nothing more out, and takes in what runs already',
      given: { acts: [[], [0]] },
      inputs: [steer('paused'), report('done')],
      expected: { status: 'paused', tasks: ['done', 'pending'] },
    },
    {
      title: 'resumed, it continues where it was',
      given: { acts: [[], [0]] },
      inputs: [steer('paused'), report('done'), steer('resumed')],
      expected: { status: 'running', tasks: ['done', 'in_progress'] },
    },
    {
      title: 'what is being undone cannot be paused',
      given: { acts: [[]] },
      inputs: [report('done'), rollBack(), steer('paused')],
      expected: { status: 'undoing', tasks: ['in_progress'], refused: 'not_pausable' },
    },
    {
      title: 'retried, what was undone and what had failed are done again, what nobody undid stays',
      given: { acts: [[], [0]] },
      inputs: [report('done'), report('failed'), report('done'), steer('retried'), report('done')],
      expected: { status: 'running', tasks: ['done', 'in_progress'] },
    },
    {
      title: 'what is done cannot be retried',
      given: { acts: [[]] },
      inputs: [report('done'), steer('retried')],
      expected: { status: 'done', tasks: ['done'], refused: 'not_retryable' },
    },
    {
      title: 'what was not agreed to is not retried either',
      given: { acts: [[]], approval: true },
      inputs: [tick(APPROVAL_MS + 1), steer('retried')],
      expected: { status: 'denied', tasks: ['cancelled', 'cancelled'], refused: 'not_retryable' },
    },
    {
      title: 'a second thinker that finds no plan does not end what the first one runs',
      given: { acts: [[]] },
      inputs: [{ op: 'second_thinker', finds: false }, report('done')],
      expected: { status: 'done', tasks: ['done'] },
    },
    {
      title: 'a second thinker that finds no plan does not touch what is done',
      given: { acts: [[]] },
      inputs: [report('done'), { op: 'second_thinker', finds: false }],
      expected: { status: 'done', tasks: ['done'] },
    },
    {
      title: 'a task that is decided again after it was cancelled does not begin again',
      given: { acts: [[]] },
      inputs: [cancel(false), { op: 'replan', pick: 0, approval: false }],
      expected: { status: 'cancelled', tasks: ['cancelled'] },
    },
  ])

  it('that nobody has claimed is handed out again, under the same token', () => {
    const model = begin(planFor({ acts: [[]] }))
    const draft = draftOf(structuredClone(model.snapshot), model.now + 2_000)
    reconcile(draft, { type: 'tick' }, limitsOf(model, draft))
    expect(draft.leases).toMatchObject([{ token: 1, again: true }])
    expect(hasChanged(draft)).toBe(false)
  })
})
