// The vocabulary was written, and the model is trained, without `held-out`, which measures both.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { inferTaskType } from './infer-task-type.ts'

interface Labelled {
  task: string
  type: string
}

function sentences(name: string): Labelled[] {
  const text = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Labelled)
}

const heldOut = sentences('test-data/task-types.held-out.jsonl')
const training = sentences('training/task-types.jsonl')

describe('the kind of a task', () => {
  it('is inferred correctly for nine of ten held-out sentences', () => {
    expect(heldOut.length + training.length).toBeGreaterThanOrEqual(400)
    const known = new Set(training.map(({ task }) => task.toLowerCase()))
    expect(heldOut.filter(({ task }) => known.has(task.toLowerCase()))).toEqual([])
    const right = heldOut.filter(({ task, type }) => inferTaskType(task).taskType === type)
    expect(right.length / heldOut.length).toBeGreaterThanOrEqual(0.9)
  })

  it('is as often right as its confidence says, within two standard errors of the sample', () => {
    const inferred = heldOut.map(({ task, type }) => ({ ...inferTaskType(task), type }))
    const named = inferred.filter(({ taskType }) => taskType !== 'general')
    const said = named.reduce((sum, { confidence }) => sum + confidence, 0) / named.length
    const right = named.filter(({ taskType, type }) => taskType === type).length / named.length
    expect(Math.abs(said - right)).toBeLessThanOrEqual(0.04)
  })

  it('has a confidence that reflects how clear the words are', () => {
    const clear = inferTaskType('Write unit tests for the parser')
    expect(clear.taskType).toBe('testing')
    expect(clear.confidence).toBeGreaterThan(0.9)
    const mixed = inferTaskType('the migration and the documentation')
    expect(mixed.confidence).toBeLessThan(0.8)
  })

  it.each(['', '   ', '日本語のタスク', '!!!', 'make it nicer', '__proto__ constructor'])(
    'is general for %j',
    (task) => {
      expect(inferTaskType(task).taskType).toBe('general')
    },
  )

  it('counts an expression once, however often it occurs', () => {
    const once = inferTaskType('restart demo-api')
    expect(inferTaskType(`restart demo-api${' bug'.repeat(1000)}`).taskType).toBe(once.taskType)
  })
})
