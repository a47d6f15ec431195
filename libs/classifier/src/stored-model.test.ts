import { mkdtempDisposableSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { featuresOf } from '@deed/text/features'
import { describe, expect, it } from 'vitest'
import { type Example, linearModel, train } from './linear-model.ts'
import { trainedModel } from './stored-model.ts'

const VERBS = ['restart', 'list', 'delete', 'deploy']
const examples: Example[] = Array.from({ length: 120 }, (_, n) => ({
  label: n % VERBS.length,
  words: [VERBS[n % VERBS.length]!, 'the', `thing${n % 7}`],
}))
const asked = featuresOf(['please', 'deploy', 'thing3'])

/** The same numbers each time; counts how many were taken. */
function numbers() {
  let [state, taken] = [1, 0]
  const next = (): number => {
    taken++
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return { next, taken: () => taken }
}

describe('a stored model', () => {
  it('is the same as one that is trained, and is not trained a second time', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'deed-models-'))
    const fresh = linearModel(train(examples, 5, 4, numbers().next))
    const first = trainedModel(examples, 5, 4, numbers().next, folder.path)
    const random = numbers()
    const second = trainedModel(examples, 5, 4, random.next, folder.path)
    expect(random.taken()).toBe(0)
    for (const model of [first, second]) {
      expect(model.scores(asked)).toEqual(fresh.scores(asked))
      expect(model.temperature).toBe(fresh.temperature)
    }
  })

  it('is trained again for other examples, and where its file is damaged', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'deed-models-'))
    const first = trainedModel(examples, 5, 4, numbers().next, folder.path)
    trainedModel(examples.slice(1), 5, 4, numbers().next, folder.path)
    const files = () => readdirSync(folder.path).map((name) => join(folder.path, name))
    expect(files()).toHaveLength(2)
    for (const file of files()) writeFileSync(file, readFileSync(file).subarray(0, -1))
    const random = numbers()
    expect(trainedModel(examples, 5, 4, random.next, folder.path).scores(asked)).toEqual(first.scores(asked))
    expect(random.taken()).toBeGreaterThan(0)
  })

  it('is trained where it cannot be stored', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'deed-models-'))
    writeFileSync(join(folder.path, 'file'), '')
    const model = trainedModel(examples, 5, 4, numbers().next, join(folder.path, 'file'))
    expect(model.scores(asked)).toHaveLength(5)
  })
})
