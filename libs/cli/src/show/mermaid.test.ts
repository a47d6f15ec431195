// The DAG of an execution as a Mermaid flowchart.
import { TaskView } from '@deed/proto/task'
import { expect, it } from 'vitest'
import { mermaidText } from './mermaid.ts'

const idOf = (number: number): string => `01997d0e-0000-7000-8000-00000000000${number}`
const task = (number: number, title: string, after: number[]): TaskView =>
  TaskView.parse({
    task_id: idOf(number),
    execution_id: idOf(0),
    name: `step-${number}`,
    title,
    task_kind: 'act',
    desired_status: 'done',
    actual_status: 'done',
    dependencies: after.map(idOf),
    agent: null,
    failures: 0,
    error: null,
    level: 0,
    action: null,
    evidence: null,
    result: null,
    started_at: null,
    finished_at: null,
  })

it('has a node for each task and an arrow for each dependency, and takes titles for text alone', () => {
  const text = mermaidText([task(1, 'write a.txt', []), task(2, 'say "]; <b>x</b>"\nend', [1, 9])])
  expect(text.split('\n').slice(0, 4)).toEqual([
    'flowchart TD',
    '  t1["write a.txt<br/>done"]:::done',
    '  t2["say #34;#93;#59; #60;b#62;x#60;/b#62;#34; end<br/>done"]:::done',
    '  t1 --> t2',
  ])
})
