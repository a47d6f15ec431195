import { TaskId } from '@deed/proto/ids'
import type { TaskStatus } from '@deed/proto/states'
import { expect, it } from 'vitest'
import { foldTasks, NODES_DRAWN_MAX } from './fold-tasks.ts'
import { layOut, NODE_HEIGHT, NODE_WIDTH, neighbour } from './graph-layout.ts'
import { type GraphTask, taskLayers } from './task-layers.ts'

const idOf = (number: number): TaskId =>
  TaskId.parse(`00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`)

const task = (number: number, after: number[] = [], status: TaskStatus = 'done'): GraphTask => ({
  task_id: idOf(number),
  title: `task ${number}`,
  actual_status: status,
  dependencies: after.map(idOf),
})

const range = (length: number): number[] => Array.from({ length }, (_, index) => index)
const diamond = [task(0), task(1, [0]), task(2, [0]), task(3, [1, 2]), task(4, [0, 3])]

it('a task is right of everything that it waits for, by the longest way', () => {
  expect([...taskLayers(diamond).layers]).toEqual([0, 1, 1, 2, 3])
})

it('a chain of ten thousand tasks has as many layers', () => {
  const chain = range(10_000).map((number) => task(number, number === 0 ? [] : [number - 1]))
  expect(taskLayers(chain).layers[9_999]).toBe(9_999)
})

it('a dependency that is not here counts for nothing', () => {
  expect(taskLayers([task(1, [0])]).layers[0]).toBe(0)
})

it('few tasks are drawn one by one, with each edge once', () => {
  const { nodes, edges, edgesOmitted } = foldTasks(diamond)
  expect(nodes.map(({ title, layer }) => `${title} ${layer}`)).toEqual([
    'task 0 0',
    'task 1 1',
    'task 2 1',
    'task 3 2',
    'task 4 3',
  ])
  expect(edges).toHaveLength(6)
  expect(edgesOmitted).toBe(0)
})

it.each([
  ['a chain', (number: number) => (number === 0 ? [] : [number - 1])],
  ['no order', () => []],
  [
    'stages of ten',
    (number: number) => (number < 10 ? [] : range(10).map((one) => Math.floor(number / 10) * 10 - 10 + one)),
  ],
])('ten thousand tasks in %s are at most 200 nodes that count all of them, and what failed is alone', (_, after) => {
  const failed = [7, 5_000, 9_999]
  const tasks = range(10_000).map((number) => task(number, after(number), failed.includes(number) ? 'failed' : 'done'))
  const { nodes } = foldTasks(tasks, idOf(123))
  expect(nodes.length).toBeLessThanOrEqual(NODES_DRAWN_MAX)
  const ids = nodes.flatMap(({ task_ids }) => task_ids)
  expect(new Set(ids).size).toBe(10_000)
  expect(ids).toHaveLength(10_000)
  const single = new Set(nodes.filter(({ task_ids }) => task_ids.length === 1).map(({ key }) => key))
  for (const number of [...failed, 123]) expect(single.has(idOf(number)), `task ${number}`).toBe(true)
})

it('the graph stays bounded where everything has failed', () => {
  const { nodes } = foldTasks(range(10_000).map((number) => task(number, [], 'failed')))
  expect(nodes.length).toBeLessThanOrEqual(NODES_DRAWN_MAX)
  expect(nodes.flatMap(({ task_ids }) => task_ids)).toHaveLength(10_000)
})

it('no two nodes are drawn over each other, and each is right of those before it', () => {
  const tasks = range(150).map((number) => task(number, number < 30 ? [] : [number - 30, (number * 7) % 30]))
  const graph = foldTasks(tasks)
  const { boxes, width, height } = layOut(graph)
  const placed = [...boxes.values()]
  for (const [index, one] of placed.entries()) {
    expect(one.x + NODE_WIDTH).toBeLessThanOrEqual(width)
    expect(one.y + NODE_HEIGHT).toBeLessThanOrEqual(height)
    for (const other of placed.slice(index + 1)) {
      const apart = Math.abs(one.x - other.x) >= NODE_WIDTH || Math.abs(one.y - other.y) >= NODE_HEIGHT
      expect(apart).toBe(true)
    }
  }
  for (const { from, to } of graph.edges) expect(boxes.get(from)?.x).toBeLessThan(boxes.get(to)?.x ?? 0)
})

it('neighbours are placed so that edges do not cross where they need not', () => {
  // Two chains, whose second tasks are listed the other way round.
  const { boxes } = layOut(foldTasks([task(0), task(1), task(3, [1]), task(2, [0])]))
  const y = (number: number): number => boxes.get(idOf(number))?.y ?? 0
  expect(Math.sign(y(0) - y(1))).toBe(Math.sign(y(2) - y(3)))
})

it('arrow keys lead to the nearest node on that side, and nowhere at the edge', () => {
  const layout = layOut(foldTasks(diamond))
  expect(neighbour(layout, idOf(3), 'right')).toBe(idOf(4))
  expect([idOf(1), idOf(2)]).toContain(neighbour(layout, idOf(0), 'right'))
  // Of the two beside each other, down from the upper one is the lower one.
  const [upper, lower] = [idOf(1), idOf(2)].toSorted(
    (a, b) => (layout.boxes.get(a)?.y ?? 0) - (layout.boxes.get(b)?.y ?? 0),
  )
  expect(neighbour(layout, upper ?? '', 'down')).toBe(lower)
  expect(neighbour(layout, lower ?? '', 'up')).toBe(upper)
  expect(neighbour(layout, idOf(0), 'left')).toBe(idOf(0))
})

it('an execution without tasks is an empty graph', () => {
  expect(layOut(foldTasks([]))).toMatchObject({ width: 0, paths: [] })
})
