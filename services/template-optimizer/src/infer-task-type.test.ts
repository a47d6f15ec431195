// The vocabulary was written looking at `tuning` alone; `held-out` decides.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { inferTaskType } from './infer-task-type.ts'

interface Labelled {
  task: string
  type: string
}

function sentences(name: string): Labelled[] {
  const text = readFileSync(new URL(`../test-data/task-types.${name}.jsonl`, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Labelled)
}

function accuracy(labelled: Labelled[]): { share: number; wrong: string[] } {
  const wrong = labelled.flatMap(({ task, type }) => {
    const { taskType, confidence } = inferTaskType(task)
    return taskType === type ? [] : [`${type} -> ${taskType} ${confidence}: ${task}`]
  })
  return { share: 1 - wrong.length / labelled.length, wrong }
}

describe('the kind of a task', () => {
  it('is found in nine of ten sentences that the vocabulary was not made from', () => {
    const heldOut = sentences('held-out')
    expect(heldOut.length).toBeGreaterThanOrEqual(120)
    const { share, wrong } = accuracy(heldOut)
    console.log(`task type: ${(share * 100).toFixed(1)} % of ${heldOut.length} held-out sentences\n${wrong.join('\n')}`)
    expect(share).toBeGreaterThanOrEqual(0.9)
  })
})
