/** How often the shared linear model tells classes of sentences apart, how well it knows that, and how fast. */
import { chancesOf, type Example, linearModel, train as trainModel } from '@deed/classifier/linear-model'
import { randomFrom } from '@deed/drill/harness/random'
import { featuresOf } from '@deed/text/features'
import { type Row, readRows } from './cache-proposals.ts'
import { percentile } from './load.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

/** Of the confidence, for the calibration error. */
const BINS = 15
const SEEDS = [1, 2, 3]

export const classifierAccuracy: Scenario = {
  name: 'classifier',
  summary: 'the linear model on --stream train.csv,test.csv: trained on the first, judged on the second',
  ofTheMachine: true,
  run: async ({ stream = [] }: Settings) => {
    const [train, test] = stream
    if (train === undefined || test === undefined) return []
    return SEEDS.map((seed) => judged(readRows(train), readRows(test), seed))
  },
}

function judged(train: readonly Row[], test: readonly Row[], seed: number): Line {
  const labels = [...new Set(train.map(({ answer }) => answer))]
  const labelOf = new Map(labels.map((label, index) => [label, index]))
  const random = randomFrom(seed)
  const from = performance.now()
  const examples = shuffled(train, random.next).map(
    ({ text, answer }): Example => ({ words: wordsOf(text), label: labelOf.get(answer) ?? 0 }),
  )
  // One class more, of which there is no example, since a model here always has one that means none of the others.
  const model = linearModel(trainModel(examples, labels.length + 1, labels.length, random.next))
  const trainMs = performance.now() - from
  const bins = Array.from({ length: BINS }, () => ({ count: 0, right: 0, chance: 0 }))
  const times: number[] = []
  let right = 0
  for (const { text, answer } of test) {
    const started = performance.now()
    const chances = chancesOf([...model.scores(featuresOf(wordsOf(text)))].slice(0, labels.length), model.temperature)
    times.push(performance.now() - started)
    const chance = Math.max(...chances)
    const hit = labels[chances.indexOf(chance)] === answer
    const bin = bins[Math.min(BINS - 1, Math.floor(chance * BINS))]!
    bin.count++
    bin.chance += chance
    if (hit) {
      bin.right++
      right++
    }
  }
  const error = bins.reduce((sum, { right: hits, chance }) => sum + Math.abs(hits - chance), 0) / test.length
  times.sort((a, b) => a - b)
  return {
    scenario: `classifier.${seed}`,
    ...{ classes: labels.length, trained_on: train.length, judged_on: test.length },
    right_percent: rounded((100 * right) / test.length, 2),
    calibration_error: rounded(error, 4),
    train_ms: rounded(trainMs),
    p50_us: rounded(1_000 * percentile(times, 50), 1),
    p99_us: rounded(1_000 * percentile(times, 99), 1),
  }
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+(?:'[a-z]+)?|\?/g) ?? []

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return order
}
