// The DAG of an execution as a tree.
import type { TaskId } from '@deed/proto/ids'
import { TaskView } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { unpainted } from '../terminal/paint.ts'
import { taskTree } from './task-tree.ts'

const idOf = (number: number): string => `01997d0e-0000-7000-8000-00000000000${number}`

function task(number: number, after: number[], more: object = {}): TaskView {
  return TaskView.parse({
    task_id: idOf(number),
    execution_id: idOf(0),
    name: `step-${number}`,
    title: `step ${number}`,
    task_kind: 'act',
    desired_status: 'done',
    actual_status: 'done',
    dependencies: after.map(idOf),
    agent: null,
    failures: 0,
    error: null,
    level: 0,
    action: { kind: 'file.write', input: { path: 'a.txt' } },
    evidence: null,
    result: null,
    started_at: '2026-11-21T08:00:00.000Z',
    finished_at: '2026-11-21T08:00:00.012Z',
    ...more,
  })
}

describe('the tree of tasks', () => {
  it('puts a task below the last that it waits for, and names the others', () => {
    const tree = taskTree([task(1, []), task(2, [1]), task(3, []), task(4, [2, 3])], unpainted)
    expect(tree.split('\n')).toEqual([
      '├─ done step 1  file.write, 12 ms',
      '│  └─ done step 2  file.write, 12 ms',
      '└─ done step 3  file.write, 12 ms',
      '   └─ done step 4  file.write, 12 ms, also after step-2',
    ])
  })

  it('shows an action below the agreement that it waits for, in whatever order they come', () => {
    const agreement = task(2, [], { task_kind: 'approve', action: null, level: 1, title: 'agree to it' })
    const [first, second] = taskTree([task(1, [2]), agreement], unpainted).split('\n')
    expect(first).toContain('agree to it  approve, level 1')
    expect(second).toBe('   └─ done step 1  file.write, 12 ms')
  })

  it('shows claim, observation and evidence together, and want where it differs from have', () => {
    const failed = task(1, [], {
      actual_status: 'failed',
      failures: 2,
      error: { code: 'verification_failed', message: 'a.txt does not exist', retryable: false },
      evidence: {
        kind: 'observed',
        outcome: 'failed',
        claimed: 'wrote 3 bytes',
        observed: 'a.txt does not exist\u001b[2J',
        observed_at: '2026-11-21T08:00:00.010Z',
        facts: { observations: 3 },
      },
    })
    expect(taskTree([failed], unpainted).split('\n')).toEqual([
      '└─ failed (wanted: done) step 1  file.write, 2 failed, 12 ms',
      '      claimed   wrote 3 bytes',
      '      observed  a.txt does not exist',
      '      evidence  failed, observed at 2026-11-21T08:00:00.010Z',
      '                observations=3',
      '      error     verification_failed: a.txt does not exist',
    ])
  })

  it('shows what was proven of an action, and then of its undoing', () => {
    const seen = { kind: 'observed', outcome: 'verified', observed_at: '2026-11-21T08:00:00.010Z' }
    const undone = task(1, [], {
      actual_status: 'undone',
      desired_status: 'undone',
      evidence: { ...seen, claimed: 'wrote 3 bytes', observed: 'a.txt has them' },
      undo_evidence: { ...seen, claimed: 'took it away', observed: 'a.txt is not there' },
    })
    const text = taskTree([undone], unpainted)
    const lines = ['wrote 3 bytes', 'a.txt has them', 'then undone', 'took it away', 'a.txt is not there']
    const places = lines.map((words) => text.indexOf(words))
    expect(places).toEqual([...places].sort((one, other) => one - other))
    expect(places).not.toContain(-1)
  })

  it('shows a chain of 10,000, each below the one before, without running off to the right', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => index + 1)
    const first = task(1, [])
    const chain = ids.map((number) => ({
      ...first,
      name: `step-${number}`,
      title: `step ${number}`,
      task_id: `t${number}` as TaskId,
      dependencies: number === 1 ? [] : [`t${number - 1}` as TaskId],
    }))
    const lines = taskTree(chain, unpainted).split('\n')
    expect(lines).toHaveLength(ids.length)
    expect(lines.findIndex((line, index) => !line.includes(` step ${index + 1} `))).toBe(-1)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(200)
    expect(lines.at(-1)).toMatch(/└─ done step 10000 .*, after step-9999$/)
  })

  it('shows a task whose predecessor is not in the list', () => {
    const lost = { ...task(1, []), dependencies: [idOf(9) as TaskId] }
    expect(taskTree([lost], unpainted)).toContain('step 1')
  })
})
