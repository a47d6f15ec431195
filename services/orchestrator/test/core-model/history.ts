/** What the model of the core begins with and what happens to it, and fast-check's generators of both. */
import { PersonDecision } from '@deed/proto/person'
import fc from 'fast-check'

export interface TaskPlan {
  kind: 'act' | 'person' | 'solve' | 'choose'
  /** Positions of those before it that it depends on. */
  wants: number[]
  /** Which agreement covers it. */
  approval: number | undefined
  onFailure: 'undo' | 'ask' | null
  priority: number
  key: boolean
}

export interface Plan {
  tasks: TaskPlan[]
  approvals: { ahead: boolean; wants: number[] }[]
  ask: boolean
  autoRollback: boolean
}

const VERDICTS = ['done', 'already_so', 'claimed', 'transient', 'transient_made', 'failed', 'failed_made'] as const
export type Verdict = (typeof VERDICTS)[number]

/** `pick` chooses among those that the step can be about. */
export type Step =
  | { op: 'tick'; ms: number }
  /** Time passes, and nobody looks. */
  | { op: 'wait'; ms: number }
  /** A worker says that it has an attempt, or still has it. */
  | { op: 'beat'; pick: number }
  /** Of an attempt that runs. */
  | { op: 'report'; pick: number; verdict: Verdict }
  /** Those that run succeed, and those after them, so many times. */
  | { op: 'work'; times: number }
  /** Of any attempt there ever was. */
  | { op: 'late'; pick: number; verdict: Verdict }
  | { op: 'solution'; pick: number; acts: number; approval: boolean }
  | { op: 'replan'; pick: number; approval: boolean }
  | { op: 'decide'; pick: number; approve: boolean; mayNot: boolean }
  | { op: 'resolve'; pick: number; decision: PersonDecision }
  /** A question is answered: by a reading, or by new words that lead to the next question or are asked about too often. */
  | { op: 'choose'; pick: number; comes: 'plan' | 'next' | 'refused' | 'nothing' }
  | { op: 'cancel'; undo: boolean }
  | { op: 'rollback'; pick?: number }
  | { op: 'steer'; wish: 'paused' | 'resumed' | 'retried' }
  | { op: 'second_thinker'; finds: boolean }
  | { op: 'room'; slots: number }
  | { op: 'key'; free: boolean }
  | { op: 'rate'; open: boolean }
  | { op: 'grant_over' }
  | { op: 'policy' }

const pick = fc.nat(19)
const earlier = fc.array(fc.nat(9), { maxLength: 2 })
export const before = (wants: number[], position: number): number[] => [
  ...new Set(wants.filter((want) => want < position)),
]

export const plans: fc.Arbitrary<Plan> = fc
  .record({
    tasks: fc.array(
      fc.record({
        kind: fc.constantFrom(
          'act' as const,
          'act' as const,
          'act' as const,
          'act' as const,
          'person' as const,
          'choose' as const,
          'solve',
        ),
        wants: earlier,
        approval: fc.option(fc.nat(1), { nil: undefined }),
        onFailure: fc.constantFrom(null, null, 'undo' as const, 'ask' as const),
        priority: fc.constantFrom(2, 5),
        key: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    approvals: fc.array(fc.record({ ahead: fc.boolean(), wants: earlier }), { maxLength: 2 }),
    ask: fc.boolean(),
    autoRollback: fc.constantFrom(true, true, false),
  })
  .map(({ tasks, approvals, ...rest }) => ({
    ...rest,
    approvals,
    tasks: tasks.map((task, position) => ({
      ...task,
      wants: before(task.wants, position),
      approval:
        task.kind === 'act' && task.approval !== undefined && task.approval < approvals.length
          ? task.approval
          : undefined,
    })),
  }))

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('report' as const), pick, verdict: fc.constantFrom(...VERDICTS, 'done') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('tick' as const),
      ms: fc.constantFrom(0, 1, 1_600, 9_000, 70_000, 3_700_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('late' as const), pick, verdict: fc.constantFrom(...VERDICTS) }),
  },
  fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(5_000, 20_000, 3_700_000) }),
  { weight: 3, arbitrary: fc.record({ op: fc.constant('beat' as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('decide' as const),
      pick,
      approve: fc.constantFrom(true, true, false),
      mayNot: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('resolve' as const),
      pick,
      decision: fc.constantFrom(...PersonDecision.options),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('choose' as const),
      pick,
      comes: fc.constantFrom('plan', 'plan', 'next', 'refused', 'nothing'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('solution' as const), pick, acts: fc.nat(2), approval: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('steer' as const),
      wish: fc.constantFrom('paused', 'resumed', 'retried', 'retried'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('rollback' as const), pick }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('work' as const), times: fc.integer({ min: 2, max: 6 }) }) },
  fc.record({ op: fc.constant('rollback' as const) }),
  fc.record({ op: fc.constant('replan' as const), pick, approval: fc.boolean() }),
  fc.record({ op: fc.constant('cancel' as const), undo: fc.boolean() }),
  fc.record({ op: fc.constant('second_thinker' as const), finds: fc.boolean() }),
  fc.record({ op: fc.constant('room' as const), slots: fc.nat(2) }),
  fc.record({ op: fc.constant('key' as const), free: fc.boolean() }),
  fc.record({ op: fc.constant('rate' as const), open: fc.boolean() }),
  fc.record({ op: fc.constant('grant_over' as const) }),
  fc.record({ op: fc.constant('policy' as const) }),
)
// As long as that: fast-check alone would keep to a few steps.
export const histories = fc.array(steps, { maxLength: 60, size: 'max' })
