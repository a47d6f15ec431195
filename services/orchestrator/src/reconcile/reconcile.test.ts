// The core is pure: no servers here, only rows, inputs and a time that the test gives.
import { canonicalJson, sha256, uuidV5 } from '@deed/json/canonical-json'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import { PersonDecision } from '@deed/proto/person'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { TaskReport } from '@deed/proto/task'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Draft, draftOf, hasChanged } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { newTask } from '../execution/new-task.ts'
import { nextToUndo, progressOf, readyTasks } from '../execution/progress.ts'
import type { ApprovalRow, AuditEntry, ExecutionRow, Progress, Snapshot, TaskRow, Work } from '../execution/snapshot.ts'
import type { Input, Limits } from './input.ts'
import { reconcile } from './reconcile.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const LEASE_MS = 10_000
const APPROVAL_MS = 3_600_000
const PERSON_MS = 1_800_000
const ID = '01890000-0000-7000-8000-000000000001' as ExecutionId

describe('one input, one decision', () => {
  const cases: { title: string; given: Setting; inputs: Step[]; expected: Expected }[] = [
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
      inputs: [{ op: 'report', pick: 0, verdict: 'done' }],
      expected: { status: 'done', tasks: ['done'] },
    },
    {
      title: 'a report without evidence is refused, and changes nothing',
      given: { acts: [[]] },
      inputs: [{ op: 'report', pick: 0, verdict: 'claimed' }],
      expected: { status: 'running', tasks: ['in_progress'], refused: 'evidence_missing' },
    },
    {
      title: 'a report under an old token is refused, and changes nothing',
      given: { acts: [[]] },
      inputs: [
        { op: 'tick', ms: LEASE_MS + 1 },
        { op: 'stale', pick: 0 },
      ],
      expected: { status: 'running', tasks: ['in_progress'], refused: 'stale_token' },
    },
    {
      title: 'a failure that may pass is tried again later',
      given: { acts: [[]] },
      inputs: [{ op: 'report', pick: 0, verdict: 'transient' }],
      expected: { status: 'running', tasks: ['pending'] },
    },
    {
      title: 'a failure for good undoes what was done, newest first',
      given: { acts: [[], [0], [1]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'report', pick: 0, verdict: 'failed' },
      ],
      expected: { status: 'undoing', tasks: ['done', 'in_progress', 'failed'] },
    },
    {
      title: 'an undo that cannot be done asks one person, and says that it failed',
      given: { acts: [[]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback' },
        { op: 'report', pick: 0, verdict: 'failed' },
      ],
      expected: { status: 'rollback_failed', tasks: ['blocked', 'pending'] },
    },
    {
      title: 'cancelled while it runs, it ends when what runs has, and that is undone',
      given: { acts: [[], [0]] },
      inputs: [
        { op: 'cancel', undo: false },
        { op: 'report', pick: 0, verdict: 'failed_made' },
      ],
      expected: { status: 'undoing', tasks: ['in_progress', 'cancelled'] },
    },
    {
      title: 'cancelled between two tries, it is not tried again, and what the first may have done is undone',
      given: { acts: [[]] },
      inputs: [
        { op: 'beat', pick: 0 },
        { op: 'tick', ms: LEASE_MS + 1 },
        { op: 'cancel', undo: false },
      ],
      expected: { status: 'undoing', tasks: ['in_progress'] },
    },
    {
      title: 'an undo that may pass is tried again later, and nothing is claimed meanwhile',
      given: { acts: [[]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback' },
        { op: 'report', pick: 0, verdict: 'transient' },
      ],
      expected: { status: 'undoing', tasks: ['failed'] },
    },
    {
      title: 'an approval that nobody gave in time denies it',
      given: { acts: [[]], approval: true },
      inputs: [{ op: 'tick', ms: APPROVAL_MS + 1 }],
      expected: { status: 'denied', tasks: ['cancelled', 'cancelled'] },
    },
    {
      title: 'a second cancel changes nothing',
      given: { acts: [[]] },
      inputs: [
        { op: 'cancel', undo: true },
        { op: 'cancel', undo: false },
      ],
      expected: { status: 'running', tasks: ['in_progress'] },
    },
    {
      title: 'what has failed can no more be cancelled than what is done',
      given: { acts: [[]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'cancel', undo: false },
      ],
      expected: { status: 'failed', tasks: ['failed'], refused: 'not_cancellable' },
    },
    {
      title: 'paused, it hands nothing more out, and takes in what runs already',
      given: { acts: [[], [0]] },
      inputs: [
        { op: 'steer', wish: 'paused' },
        { op: 'report', pick: 0, verdict: 'done' },
      ],
      expected: { status: 'paused', tasks: ['done', 'pending'] },
    },
    {
      title: 'resumed, it continues where it was',
      given: { acts: [[], [0]] },
      inputs: [
        { op: 'steer', wish: 'paused' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'steer', wish: 'resumed' },
      ],
      expected: { status: 'running', tasks: ['done', 'in_progress'] },
    },
    {
      title: 'what is being undone cannot be paused',
      given: { acts: [[]] },
      inputs: [{ op: 'report', pick: 0, verdict: 'done' }, { op: 'rollback' }, { op: 'steer', wish: 'paused' }],
      expected: { status: 'undoing', tasks: ['in_progress'], refused: 'not_pausable' },
    },
    {
      title: 'retried, what was undone and what had failed are done again, what nobody undid stays',
      given: { acts: [[], [0]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'steer', wish: 'retried' },
        { op: 'report', pick: 0, verdict: 'done' },
      ],
      expected: { status: 'running', tasks: ['done', 'in_progress'] },
    },
    {
      title: 'what is done cannot be retried',
      given: { acts: [[]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'steer', wish: 'retried' },
      ],
      expected: { status: 'done', tasks: ['done'], refused: 'not_retryable' },
    },
    {
      title: 'what was not agreed to is not retried either',
      given: { acts: [[]], approval: true },
      inputs: [
        { op: 'tick', ms: APPROVAL_MS + 1 },
        { op: 'steer', wish: 'retried' },
      ],
      expected: { status: 'denied', tasks: ['cancelled', 'cancelled'], refused: 'not_retryable' },
    },
    {
      title: 'a second thinker that finds no plan does not end what the first one runs',
      given: { acts: [[]] },
      inputs: [{ op: 'plan_failed' }, { op: 'report', pick: 0, verdict: 'done' }],
      expected: { status: 'done', tasks: ['done'] },
    },
    {
      title: 'a second thinker that finds no plan does not touch what is done',
      given: { acts: [[]] },
      inputs: [{ op: 'report', pick: 0, verdict: 'done' }, { op: 'plan_failed' }],
      expected: { status: 'done', tasks: ['done'] },
    },
    {
      title: 'one action alone is undone, and the rest stays done',
      given: { acts: [[], [0]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback', pick: 1 },
        { op: 'report', pick: 0, verdict: 'done' },
      ],
      expected: { status: 'done', tasks: ['done', 'undone'] },
    },
    {
      title: 'the last of the actions that are undone one by one is the rollback of all',
      given: { acts: [[], [0]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback', pick: 1 },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback', pick: 0 },
        { op: 'report', pick: 0, verdict: 'done' },
      ],
      expected: { status: 'rolled_back', tasks: ['undone', 'undone'] },
    },
    {
      title: 'an action that a later one rests on is not undone by itself',
      given: { acts: [[], [0]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback', pick: 0 },
      ],
      expected: { status: 'done', tasks: ['done', 'done'], refused: 'not_undoable' },
    },
    {
      title: 'a rollback of a rollback changes nothing',
      given: { acts: [[]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback' },
      ],
      expected: { status: 'rolled_back', tasks: ['undone'], refused: 'already_rolled_back' },
    },
    {
      title: 'what a person is to do waits for nobody else, and is handed out to nobody',
      given: { acts: [[], []], person: true },
      inputs: [{ op: 'report', pick: 0, verdict: 'done' }],
      expected: { status: 'waiting', tasks: ['pending', 'done'] },
    },
    {
      title: 'what a person provides is done, and what waits for it continues',
      given: { acts: [[], [0]], person: true },
      inputs: [{ op: 'resolve', pick: 0, decision: 'provide' }],
      expected: { status: 'running', tasks: ['done', 'in_progress'] },
    },
    {
      title: 'what no person does in time denies it',
      given: { acts: [[]], person: true },
      inputs: [{ op: 'tick', ms: PERSON_MS }],
      expected: { status: 'denied', tasks: ['cancelled'] },
    },
    {
      title: 'what a person refuses denies it, and undoes what was done',
      given: { acts: [[], []], person: true },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'resolve', pick: 0, decision: 'deny' },
      ],
      expected: { status: 'undoing', tasks: ['cancelled', 'in_progress'] },
    },
    {
      title: 'where it is to ask, a failure for good blocks that task, and the others go on',
      given: { acts: [[], [0], []], ask: true },
      inputs: [
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'report', pick: 0, verdict: 'done' },
      ],
      expected: { status: 'waiting', tasks: ['blocked', 'pending', 'done', 'pending'] },
    },
    {
      title: 'a task that a person skips keeps nothing from going on',
      given: { acts: [[], [0]], ask: true },
      inputs: [
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'resolve', pick: 0, decision: 'skip' },
        { op: 'report', pick: 0, verdict: 'done' },
      ],
      expected: { status: 'done', tasks: ['skipped', 'done', 'done'] },
    },
    {
      title: 'a task that fails again after a person had it tried again is asked about again',
      given: { acts: [[]], ask: true },
      inputs: [
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'resolve', pick: 0, decision: 'retry' },
        { op: 'report', pick: 0, verdict: 'failed' },
      ],
      expected: { status: 'waiting', tasks: ['blocked', 'done', 'pending'] },
    },
    {
      title: 'a task that a person gives up undoes what was done',
      given: { acts: [[], []], ask: true },
      inputs: [
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'resolve', pick: 0, decision: 'cancel' },
      ],
      expected: { status: 'undoing', tasks: ['cancelled', 'in_progress', 'done'] },
    },
    {
      title: 'a review is decided once',
      given: { acts: [[]], ask: true },
      inputs: [
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'resolve', pick: 0, decision: 'retry' },
        { op: 'resolve', pick: 0, decision: 'skip' },
      ],
      expected: { status: 'running', tasks: ['in_progress', 'done'], refused: 'approval_already_used' },
    },
    {
      title: 'an undo that a person had tried again ends as any other',
      given: { acts: [[]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback' },
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'resolve', pick: 0, decision: 'retry' },
        { op: 'report', pick: 0, verdict: 'done' },
      ],
      expected: { status: 'rolled_back', tasks: ['undone', 'done'] },
    },
    {
      title: 'what a person has brought back is rolled back',
      given: { acts: [[]] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback' },
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'resolve', pick: 0, decision: 'provide' },
      ],
      expected: { status: 'rolled_back', tasks: ['undone', 'done'] },
    },
    {
      title: 'what could not be undone is undone at the second try, and nobody is asked any more',
      given: { acts: [[], []] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback', pick: 1 },
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'rollback', pick: 1 },
        { op: 'report', pick: 0, verdict: 'done' },
      ],
      expected: { status: 'done', tasks: ['done', 'undone', 'cancelled'] },
    },
    {
      title: 'an undo that failed keeps its place: what was done later is undone before it',
      given: { acts: [[], []] },
      inputs: [
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback', pick: 0 },
        { op: 'report', pick: 0, verdict: 'failed' },
        { op: 'rollback' },
      ],
      expected: { status: 'undoing', tasks: ['cancelled', 'in_progress', 'cancelled'] },
    },
    {
      title: 'what a person skipped keeps its place, too',
      given: { acts: [[], []], ask: true },
      inputs: [
        { op: 'report', pick: 0, verdict: 'failed_made' },
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'resolve', pick: 0, decision: 'skip' },
        { op: 'rollback' },
      ],
      expected: { status: 'undoing', tasks: ['cancelled', 'in_progress', 'done'] },
    },
    {
      title: 'an undo is tried again however often the doing had failed',
      given: { acts: [[]] },
      inputs: [
        ...Array.from({ length: 11 }, (): Step[] => [
          { op: 'report', pick: 0, verdict: 'transient' },
          { op: 'tick', ms: 60_000 },
        ]).flat(),
        { op: 'report', pick: 0, verdict: 'done' },
        { op: 'rollback' },
        { op: 'report', pick: 0, verdict: 'transient' },
      ],
      expected: { status: 'undoing', tasks: ['failed'] },
    },
    {
      title: 'a task that is decided again after it was cancelled does not begin again',
      given: { acts: [[]] },
      inputs: [
        { op: 'cancel', undo: false },
        { op: 'replan', pick: 0 },
      ],
      expected: { status: 'cancelled', tasks: ['cancelled'] },
    },
  ]
  for (const { title, given, inputs, expected } of cases) {
    it(title, () => {
      const history = begin(given)
      let refused: string | undefined
      for (const step of inputs) refused = take(history, step)
      const { execution, tasks } = history.snapshot
      expect({
        status: execution.status,
        tasks: [...tasks.values()].map(({ actual_status }) => actual_status),
        refused,
      }).toEqual({ refused: undefined, ...expected })
    })
  }

  it('asks one person after an hour without progress, not before', () => {
    const history = begin({ acts: [[]] })
    for (let hours = 0; hours < 12; hours++) {
      take(history, { op: 'report', pick: 0, verdict: 'transient' })
      if (hours < 10) expect(statusOf(history, 0)).toBe('pending')
      take(history, { op: 'tick', ms: 600_000 })
    }
    expect(statusOf(history, 0)).toBe('blocked')
    expect(history.snapshot.execution.status).toBe('waiting')
    expect(reviews(history.snapshot)).toEqual(['HUMAN-REVIEW-act-0'])
  })

  it('asks a person, too, about a task that nobody is heard of who takes it', () => {
    const history = begin({ acts: [[]] })
    for (let minutes = 0; minutes < 90; minutes++) take(history, { op: 'tick', ms: 60_000 })
    expect(statusOf(history, 0)).toBe('blocked')
    expect(reviews(history.snapshot)).toEqual(['HUMAN-REVIEW-act-0'])
  })

  it('asks a person about an undo that nobody comes back from', () => {
    const history = begin({ acts: [[]] })
    take(history, { op: 'report', pick: 0, verdict: 'done' })
    take(history, { op: 'rollback' })
    for (let minutes = 0; minutes < 60; minutes++) take(history, { op: 'tick', ms: 60_000 })
    expect(statusOf(history, 0)).toBe('blocked')
    expect(history.snapshot.execution.status).toBe('rollback_failed')
    expect(reviews(history.snapshot)).toEqual(['HUMAN-REVIEW-act-0'])
  })

  it('hands an attempt that nobody has claimed out again, under the same token', () => {
    const history = begin({ acts: [[]] })
    const draft = draftOf(structuredClone(history.snapshot), history.now + 2_000)
    reconcile(draft, { type: 'tick' }, limits)
    expect(draft.leases).toMatchObject([{ token: 1, again: true }])
    expect(hasChanged(draft)).toBe(false)
  })
})

describe('whatever happens, in whatever order', () => {
  it('keeps every promise of the core', () => {
    fc.assert(
      fc.property(settings, fc.array(steps, { maxLength: 40, size: 'max' }), (given, inputs) => {
        const history = begin(given)
        for (const step of inputs) take(history, step)
        checkChain(history)
      }),
      { numRuns: 80 },
    )
  })

  it('comes to an end, once whatever fails has stopped failing', () => {
    fc.assert(
      fc.property(settings, fc.array(steps, { maxLength: 30, size: 'max' }), (given, inputs) => {
        const history = begin(given)
        for (const step of inputs) take(history, step)
        bringToAnEnd(history)
        checkChain(history)
      }),
      { numRuns: 40 },
    )
  })
})

interface Setting {
  /** For each task, the positions of those that it depends on. */
  acts: number[][]
  /** All of them wait for one approval. */
  approval?: boolean
  /** The first is done by a person. */
  person?: boolean
  /** Where one fails for good, a person is asked. */
  ask?: boolean
}

interface Expected {
  status: ExecutionRow['status']
  tasks: TaskRow['actual_status'][]
  refused?: string
}

const VERDICTS = ['done', 'already_so', 'claimed', 'transient', 'failed', 'failed_made'] as const
type Verdict = (typeof VERDICTS)[number]

/** `pick` chooses among those that the step can be about. */
type Step =
  | { op: 'tick'; ms: number }
  | { op: 'beat'; pick: number }
  | { op: 'report'; pick: number; verdict: Verdict }
  | { op: 'stale'; pick: number }
  | { op: 'again'; pick: number }
  | { op: 'replan'; pick: number }
  | { op: 'decide'; pick: number; approve: boolean }
  | { op: 'resolve'; pick: number; decision: PersonDecision }
  | { op: 'cancel'; undo: boolean }
  | { op: 'rollback'; pick?: number }
  | { op: 'steer'; wish: 'paused' | 'resumed' | 'retried' }
  | { op: 'plan' }
  | { op: 'plan_failed' }

const pick = fc.nat(9)
const settings: fc.Arbitrary<Setting> = fc.record({
  acts: fc
    .array(fc.array(fc.nat(9), { maxLength: 2 }), { minLength: 1, maxLength: 5 })
    .map((acts) => acts.map((wants, index) => [...new Set(wants.filter((want) => want < index))])),
  approval: fc.boolean(),
  person: fc.boolean(),
  ask: fc.boolean(),
})
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('report' as const), pick, verdict: fc.constantFrom(...VERDICTS) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('tick' as const),
      ms: fc.constantFrom(0, 1, 1_600, 9_000, 70_000, 3_700_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('decide' as const), pick, approve: fc.constantFrom(true, true, false) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('resolve' as const),
      pick,
      decision: fc.constantFrom(...PersonDecision.options),
    }),
  },
  fc.record({ op: fc.constant('beat' as const), pick }),
  fc.record({ op: fc.constant('stale' as const), pick }),
  fc.record({ op: fc.constant('again' as const), pick }),
  fc.record({ op: fc.constant('replan' as const), pick }),
  fc.record({ op: fc.constant('cancel' as const), undo: fc.boolean() }),
  fc.record({ op: fc.constant('rollback' as const) }),
  fc.record({ op: fc.constant('rollback' as const), pick }),
  fc.record({ op: fc.constant('steer' as const), wish: fc.constantFrom('paused', 'resumed', 'retried') }),
  fc.record({ op: fc.constant('plan' as const) }),
  fc.record({ op: fc.constant('plan_failed' as const) }),
)

/** An execution with what has become of it. */
interface History {
  snapshot: Snapshot
  now: number
  audit: AuditEntry[]
  /** Tokens granted, by task. */
  granted: Map<TaskId, number[]>
  /** A cancel was accepted: nothing may begin any more. */
  stopped: boolean
}

const limits: Limits = {
  leaseMs: LEASE_MS,
  autoRollback: true,
  policyVersion: '1',
  takeSlot: () => true,
  mayBegin: () => true,
  began: () => undefined,
  keysFree: () => true,
  mayAsk: () => true,
  random: () => 0.5,
}

function begin(given: Setting): History {
  const asked = execution()
  if (given.ask === true) asked.request.on_failure = 'ask'
  const snapshot: Snapshot = { execution: asked, tasks: new Map(), approvals: new Map(), parts: [], plans: 0 }
  const history: History = { snapshot, now: START, audit: [], granted: new Map(), stopped: false }
  apply(history, { type: 'planned', work: workFor(given), found: { method: 'autonomous' } })
  return history
}

/** @returns the code of the refusal, where it was refused */
function take(history: History, step: Step): string | undefined {
  if (step.op === 'tick') history.now += step.ms
  if (step.op === 'beat') {
    const task = chosen(running(history.snapshot), step.pick)
    if (task) Object.assign(task, { assigned_agent: 'worker', lease_expires_at: isoTime(history.now + LEASE_MS) })
    return undefined
  }
  const input = inputOf(history, step)
  const refused = input === undefined ? undefined : apply(history, input)
  checkProgress(history.snapshot)
  return refused
}

/** What is kept as tasks change is what one would find by looking at all of them. */
function checkProgress({ tasks, progress }: Snapshot): void {
  if (!progress) return
  expect(seenOf(progress)).toEqual(seenOf(progressOf(tasks)))
}

function seenOf(progress: Progress) {
  const names = (rows: Iterable<TaskRow>): string[] => [...rows].map(({ name }) => name).sort()
  const { running, failed, undo, ready, counts } = progress
  const next = nextToUndo(progress)
  return {
    ...{ running: names(running), failed: names(failed), undo: names(undo), counts: { ...counts }, next: next?.name },
    ready: [...ready].flatMap(([capability, one]) => names(readyTasks(one)).map((name) => [capability, name])).sort(),
  }
}

function inputOf({ snapshot, now }: History, step: Step): Input | undefined {
  const all = [...snapshot.tasks.values()]
  switch (step.op) {
    case 'tick':
    case 'beat':
      return { type: 'tick' }
    case 'report': {
      const task = chosen(running(snapshot), step.pick)
      return task && { type: 'reported', report: reportOf(task, step.verdict, now) }
    }
    case 'stale': {
      const task = chosen(
        all.filter(({ token }) => token > 1),
        step.pick,
      )
      return (
        task && {
          type: 'reported',
          report: { ...reportOf(task, 'done', now), token: (task.token - 1) as FencingToken },
        }
      )
    }
    case 'again': {
      const task = chosen(
        all.filter(({ token, actual_status }) => token > 0 && actual_status !== 'in_progress'),
        step.pick,
      )
      return task && { type: 'reported', report: reportOf(task, 'done', now) }
    }
    case 'replan': {
      const task = chosen(
        running(snapshot).filter(({ intent }) => intent === 'do'),
        step.pick,
      )
      const work = { tasks: [], approvals: [], plan: planOf([]) }
      return task && { type: 'replanned', taskId: task.task_id, token: task.token as FencingToken, task: {}, work }
    }
    case 'decide': {
      const approval = chosen([...snapshot.approvals.values()], step.pick)
      const { approve } = step
      return approval && { type: 'decided', approvalId: approval.approval_id, approve, by: 'ada', reason: null }
    }
    case 'resolve': {
      const task = chosen(forPeople(snapshot), step.pick)
      return task && resolution(task.task_id, step.decision)
    }
    case 'cancel':
      return { type: 'cancelled', reason: null, undo: step.undo, by: 'ada' }
    case 'rollback': {
      const task = step.pick === undefined ? undefined : chosen(all, step.pick)
      return { type: 'rolled_back', reason: null, by: 'ada', ...(task ? { taskIds: [task.task_id] } : {}) }
    }
    case 'steer':
      return { type: step.wish, reason: null, by: 'ada' }
    case 'plan':
      return { type: 'planned', work: workFor({ acts: [[]] }), found: { method: 'fallback' } }
    case 'plan_failed':
      return { type: 'plan_failed', error: failure('no_solution', false), found: { method: 'error' } }
  }
}

/** As the driver does it: where the input is refused, the rows stay as they were. */
function apply(history: History, input: Input): string | undefined {
  const before = history.snapshot
  const draft = draftOf(structuredClone(before), history.now)
  const twin = draftOf(structuredClone(before), history.now)
  try {
    // The very same for both: where a commit is refused, the input is applied once more.
    reconcile(draft, input, limits)
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    expect(() => reconcile(twin, input, limits)).toThrow(error.message)
    return error.code
  }
  reconcile(twin, input, limits)
  expect(twin).toEqual(draft)
  if (input.type === 'retried') history.stopped = false
  checkStep(history, before, draft, input)
  const { execution, tasks, approvals, parts, plans, progress } = draft
  history.snapshot = { execution, tasks, approvals, parts, plans, progress }
  history.audit.push(...draft.audit)
  if (input.type === 'cancelled' && execution.ending === 'cancelled') history.stopped = true
  checkNothingLeft(history)
  return undefined
}

function checkStep(history: History, before: Snapshot, draft: Draft, input: Input): void {
  const { tasks, execution } = draft
  for (const task of tasks.values()) {
    // No success without evidence.
    if (task.actual_status === 'done') expect(task.verification?.outcome).toBe('verified')
    if (task.actual_status === 'undone') expect(task.undo_verification?.outcome).toBe('verified')
    // A running task has a lease, and no other task.
    expect(task.lease_expires_at !== null).toBe(task.actual_status === 'in_progress')
  }
  for (const { task, token, intent, again } of draft.leases) {
    const earlier = history.granted.get(task.task_id) ?? []
    if (again) {
      expect(token).toBe(earlier.at(-1))
      continue
    }
    // Tokens rise by one, and are granted to nobody while somebody holds one.
    expect(token).toBe((earlier.at(-1) ?? 0) + 1)
    history.granted.set(task.task_id, [...earlier, token])
    const was = before.tasks.get(task.task_id)
    if (was?.actual_status === 'in_progress' && input.type === 'tick') {
      expect(Date.parse(was.lease_expires_at ?? '')).toBeLessThanOrEqual(history.now)
    }
    if (intent === 'undo') {
      expect([...tasks.values()].filter(({ actual_status }) => actual_status === 'in_progress')).toHaveLength(1)
      continue
    }
    expect(history.stopped).toBe(false)
    expect(execution.ending).toBeNull()
    for (const id of task.dependencies) expect(['done', 'skipped']).toContain(tasks.get(id)?.actual_status)
    if (task.approval_id !== null) expect(draft.approvals.get(task.approval_id)?.status).toBe('used')
  }
  if (
    FINAL_EXECUTION_STATUSES.has(before.execution.status) &&
    !['rolled_back', 'retried', 'resolved'].includes(input.type)
  ) {
    // What is final stays as it is.
    expect(draft.leases).toEqual([])
    expect({ ...execution, next_check_at: '' }).toEqual({ ...before.execution, next_check_at: '' })
    expect(tasks).toEqual(before.tasks)
    expect(draft.audit).toEqual([])
  }
  if (FINAL_EXECUTION_STATUSES.has(execution.status)) {
    const open = [...tasks.values()].filter(({ actual_status }) => ['pending', 'in_progress'].includes(actual_status))
    expect(open.filter(({ capability }) => capability !== 'human')).toEqual([])
    expect([...draft.approvals.values()].filter(({ status }) => status === 'pending')).toEqual([])
    if (execution.status === 'done')
      for (const task of tasks.values())
        if (task.task_kind !== 'review') expect(['done', 'skipped', 'undone']).toContain(task.actual_status)
    if (execution.status === 'rolled_back') for (const task of tasks.values()) expect(task.effect).toBe('none')
  }
  const names = reviews(draft)
  expect(new Set(names).size).toBe(names.length)
}

/** Reconciling again, with no event in between, finds nothing to do. */
function checkNothingLeft({ snapshot, now }: History): void {
  const draft = draftOf(structuredClone(snapshot), now)
  reconcile(draft, { type: 'tick' }, limits)
  // A backoff of nothing at all does not exist, so what may be handed out was.
  expect(draft.leases.filter(({ again }) => !again)).toEqual([])
  expect(hasChanged(draft)).toBe(false)
}

function checkChain({ audit, snapshot }: History): void {
  let hash = ''
  audit.forEach((entry, index) => {
    expect(entry.seq).toBe(index + 1)
    const { seq, type, at, task_id, data } = entry
    hash = sha256(hash + canonicalJson({ execution_id: ID, seq, type, at, task_id, data }))
    expect(entry.hash).toBe(hash)
  })
  expect(snapshot.execution).toMatchObject({ audit_seq: audit.length, audit_hash: hash })
}

const ROUNDS_MAX = 100

/**
 * Every attempt succeeds, every approval is given and every review ends in another try, or in a skip where another try
 * needs an agreement of its own, which is not made here.
 */
function bringToAnEnd(history: History): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { execution, approvals } = history.snapshot
    if (FINAL_EXECUTION_STATUSES.has(execution.status)) return
    if (execution.status === 'paused') take(history, { op: 'steer', wish: 'resumed' })
    const wanted = forPeople(history.snapshot).find(
      ({ actual_status, started_at }) => actual_status === 'pending' && started_at !== null,
    )
    if (wanted) {
      const refused = apply(history, resolution(wanted.task_id, wanted.task_kind === 'review' ? 'retry' : 'provide'))
      if (refused !== undefined) apply(history, resolution(wanted.task_id, 'skip'))
    }
    const [task] = running(history.snapshot)
    const open = [...approvals.values()].findIndex(({ status }) => status === 'pending')
    if (task) take(history, { op: 'report', pick: 0, verdict: 'done' })
    else if (open >= 0) take(history, { op: 'decide', pick: open, approve: true })
    const due = Math.max(0, Date.parse(history.snapshot.execution.next_check_at) - history.now)
    if (!task && open < 0) take(history, { op: 'tick', ms: due })
  }
  throw new Error(`still ${history.snapshot.execution.status} after ${ROUNDS_MAX} rounds`)
}

const running = ({ tasks }: Snapshot): TaskRow[] =>
  [...tasks.values()].filter(({ actual_status }) => actual_status === 'in_progress')

const chosen = <T>(among: readonly T[], index: number): T | undefined => among[index % Math.max(1, among.length)]

const statusOf = ({ snapshot }: History, index: number): string | undefined =>
  [...snapshot.tasks.values()][index]?.actual_status

/** Where a person may have a say, or had. */
const forPeople = ({ tasks }: Snapshot): TaskRow[] =>
  [...tasks.values()].filter(({ capability, task_kind }) => capability === 'human' && task_kind !== 'approve')

const resolution = (taskId: TaskId, decision: PersonDecision): Input => ({
  type: 'resolved',
  taskId,
  decision,
  by: 'ada',
  reason: null,
  result: decision === 'provide' ? { text: 'looked after it' } : null,
})

const reviews = ({ tasks }: Pick<Snapshot, 'tasks'>): string[] =>
  [...tasks.values()].map(({ name }) => name).filter((name) => name.startsWith('HUMAN-REVIEW-'))

function reportOf(task: TaskRow, verdict: Verdict, now: number): TaskReport {
  const proven = verdict === 'done' || verdict === 'already_so'
  const evidence: Evidence = {
    kind: 'observed',
    outcome: 'verified',
    claimed: 'did it',
    observed: 'it is so',
    observed_at: isoTime(now),
  }
  return {
    task_id: task.task_id,
    execution_id: ID,
    token: task.token as FencingToken,
    worker_id: 'worker',
    intent: task.intent,
    outcome: proven || verdict === 'claimed' ? 'done' : 'failed',
    effect: verdict === 'done' || verdict === 'failed_made' || verdict === 'claimed' ? 'made' : 'none',
    ...(proven ? { evidence, result: { text: 'did it' } } : {}),
    ...(verdict === 'transient' ? { error: failure('unavailable', true) } : {}),
    ...(verdict.startsWith('failed') ? { error: failure('effect_failed', false) } : {}),
    tokens_used: 0,
    cost_microusd: 0,
    duration_ms: 1,
  }
}

const failure = (code: ErrorBody['code'], retryable: boolean): ErrorBody => ({
  code,
  message: 'it would not',
  retryable,
})

function workFor({ acts, approval = false, person = false }: Setting): Work {
  const idOf = (name: string): TaskId => uuidV5(ID, name) as TaskId
  const approvalId = uuidV5(ID, 'approval') as ApprovalId
  const act = (wants: number[], index: number): TaskRow => ({
    ...newTask(execution(), { ...named(`act-${index}`, index), task_kind: 'act', capability: 'act', now: START }),
    task_id: idOf(`act-${index}`),
    dependencies: [...wants.map((want) => idOf(`act-${want}`)), ...(approval ? [idOf('approve')] : [])],
    approval_id: approval ? approvalId : null,
    level: approval ? 1 : 0,
    ...(person && index === 0
      ? { capability: 'human', spec: { input: { ask: 'look', expires_in_ms: PERSON_MS } } }
      : {}),
  })
  const tasks = acts.map(act)
  if (!approval) return { tasks, approvals: [], plan: planOf(tasks) }
  const asked: TaskRow = {
    ...newTask(execution(), {
      ...named('approve', acts.length),
      task_kind: 'approve',
      capability: 'human',
      now: START,
    }),
    task_id: idOf('approve'),
  }
  return { tasks: [...tasks, asked], approvals: [approvalRow(approvalId, asked.task_id)], plan: planOf(tasks) }
}

const named = (name: string, position: number) => ({ name, title: name, position, priority: 5 })

const planOf = (tasks: readonly TaskRow[]): Work['plan'] => ({
  number: 0,
  plan: { parts: [{ title: 'it', answer: { kind: 'actions' }, tasks: tasks.map(({ task_id }) => task_id) }] },
  plan_hash: 'plan',
  policy_version: '1',
})

const approvalRow = (id: ApprovalId, task: TaskId): ApprovalRow => ({
  tenant: 'local',
  approval_id: id,
  execution_id: ID,
  task_id: task,
  level: 1,
  status: 'pending',
  plan_hash: 'plan',
  policy_version: '1',
  sealed: {},
  actions: [],
  plan_number: 0,
  grant_id: null,
  requested_by: 'user',
  decided_by: null,
  reason: null,
  created_at: isoTime(START),
  asked_at: null,
  decided_at: null,
  consumed_at: null,
  expires_at: isoTime(START + APPROVAL_MS),
})

const execution = (): ExecutionRow => ({
  tenant: 'local',
  execution_id: ID,
  user_name: 'user',
  idempotency_key: null,
  request_hash: 'request',
  request: { task: 'do it', mode: 'auto', priority: 'normal', dry_run: false },
  trace: '00-00000000000000000000000000000001-0000000000000001-00',
  status: 'planning',
  ending: null,
  version: 1,
  method: null,
  model_used: null,
  template_used: null,
  template_version: null,
  tokens_used: 0,
  cost_microusd: 0,
  cache_hit: false,
  degraded: [],
  result: null,
  error: null,
  cited: null,
  audit_seq: 0,
  audit_hash: '',
  created_at: isoTime(START),
  finished_at: null,
  next_check_at: isoTime(START + 5_000),
  settled: false,
  task_verified: true,
})
