// The DAG of an execution as a Mermaid flowchart.
import { GoalNode, TaskView } from '@deed/proto/task'
import { expect, it } from 'vitest'
import { mermaidText, planMermaid } from './mermaid.ts'
import { planTree } from './plan-tree.ts'

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

const node = (id: string, more: object): GoalNode =>
  GoalNode.parse({
    id,
    kind: 'task',
    title: `do ${id}`,
    description: id,
    estimated_ms: 0,
    estimated_cost_usd: 0,
    ...more,
  })

const PLAN = [
  node('a', { check: { by: 'kind', kinds: ['file.write'] } }),
  node('b', { kind: 'compound', method: 'code/tests', depends_on: ['a'] }),
  node('b.run', { parent: 'b', title: 'run "]; x', depends_on: ['a'], check: { by: 'unverifiable', why: 'x' } }),
  node('b.verify', { parent: 'b', depends_on: ['b.run'], verifies: ['b'], acceptance_criteria: ['a.txt exists'] }),
]

it('of a plan has a box for each compound, and round ends for what only observes', () => {
  expect(planMermaid(PLAN).split('\n')).toEqual([
    'flowchart TD',
    '  n1["do a"]',
    '  subgraph n2 ["do b"]',
    '    n3["run #34;#93;#59; x"]',
    '    n4(["do b.verify"])',
    '  end',
    '  n1 --> n3',
    '  n3 --> n4',
  ])
})

it('is a tree on the terminal, with what proves each task and what it waits for', () => {
  expect(planTree(PLAN, (_style, text) => text).split('\n')).toEqual([
    '├─ a  do a  file.write',
    '└─ b  do b  code/tests',
    '   ├─ b.run  run "]; x  unverifiable as yet, after a',
    '   └─ b.verify  do b.verify  after b.run',
    '      observes a.txt exists',
  ])
})
