import { until } from '@deed/process/until'
import type { LiveEvent } from '@deed/proto/console'
import { ExecutionId, TaskId } from '@deed/proto/ids'
import { expect, it } from 'vitest'
import { digest, type ExecutionEvent, gather } from './gather.ts'

const ids = [1, 2].map((n) => ExecutionId.parse(`0194a000-7000-7abc-8def-00000000000${n}`))
const task = TaskId.parse('0194a000-7000-7abc-8def-000000000009')

const event = (of: number, seq: number, type: string, more: object = {}): ExecutionEvent =>
  ({
    ...{ execution_id: ids[of], seq, type, at: new Date(0).toISOString(), data: { evidence: 'long' } },
    ...{ status: 'running', percent: 0, current: null, task: 'x', ...more },
  }) as ExecutionEvent

it('many events are those that say something new: the last of each execution, task and type, in order', () => {
  const events = [
    event(0, 1, 'execution.accepted'),
    event(0, 2, 'task.leased', { task_id: task }),
    event(0, 3, 'task.done', { task_id: task }),
    event(1, 1, 'execution.accepted'),
    event(0, 4, 'execution.ended', { status: 'done' }),
    event(1, 2, 'execution.ended', { status: 'failed' }),
    event(1, 3, 'execution.undoing'),
  ]
  const kept = digest(events)
  expect(kept.map(({ execution_id: id, seq }) => [ids.indexOf(id), seq])).toEqual([
    [0, 2],
    [0, 3],
    [1, 1],
    [0, 4],
    [1, 2],
    [1, 3],
  ])
  expect(new Set(kept.map(({ type }) => type))).toEqual(new Set(events.map(({ type }) => type)))
})

it('the first event is sent at once and whole, and none of those that follow is sent twice', async () => {
  const sent: (readonly LiveEvent[])[] = []
  using gathered = gather((together) => sent.push(together))
  const first = event(0, 1, 'execution.accepted')
  gathered.add(first)
  expect(sent).toEqual([[first]])
  for (let seq = 2; seq <= 50; seq++) gathered.add(event(0, seq, 'task.leased'))
  await until(() => sent.length === 2)
  expect(sent[1]?.map(({ seq, task, data }) => [seq, task, data])).toEqual([[50, 'x', undefined]])
  for (let seq = 51; seq <= 250; seq++) gathered.add(event(0, seq, 'task.done', { task_id: task }))
  await until(() => sent.length === 3)
  expect(sent[2]).toEqual([
    { execution_id: ids[0], task_id: task, type: 'task.done', status: 'running', at: new Date(0).toISOString() },
  ])
  gathered.add(event(1, 1, 'execution.accepted'))
  expect(sent.length).toBe(3)
  await until(() => sent.length === 4)
})
