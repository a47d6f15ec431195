// The vocabulary was written with `tuning` alone; `held-out` measures it.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { inferTaskType } from './infer-task-type.ts'

interface Labelled {
  task: string
  type: string
}

function sentences(name: string): Labelled[] {
  const text = readFileSync(new URL(`../../test-data/task-types.${name}.jsonl`, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Labelled)
}

function accuracy(labelled: Labelled[]): number {
  return labelled.filter(({ task, type }) => inferTaskType(task).taskType === type).length / labelled.length
}

describe('the kind of a task', () => {
  it('is inferred correctly for nine of ten held-out sentences', () => {
    const heldOut = sentences('held-out')
    expect(heldOut.length).toBeGreaterThanOrEqual(120)
    expect(accuracy(heldOut)).toBeGreaterThanOrEqual(0.9)
    expect(accuracy(sentences('tuning'))).toBeGreaterThanOrEqual(0.9)
  })

  it('has a confidence that reflects how clear the words are', () => {
    const clear = inferTaskType('Write unit tests for the parser')
    expect(clear).toEqual({ taskType: 'testing', confidence: 0.9 })
    const mixed = inferTaskType('the migration and the documentation')
    expect(mixed.confidence).toBeLessThan(0.6)
  })

  it.each(['', '   ', '日本語のタスク', '!!!', 'make it nicer', '__proto__ constructor'])(
    'is general for %j',
    (task) => {
      expect(inferTaskType(task)).toEqual({ taskType: 'general', confidence: 0.4 })
    },
  )

  it('counts an expression once, however often it occurs', () => {
    const once = inferTaskType('restart demo-api')
    expect(inferTaskType(`restart demo-api${' bug'.repeat(1000)}`).taskType).toBe(once.taskType)
  })
})
