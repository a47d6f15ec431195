// The sentences of services/hybrid-agent/test-data: how many are understood does not fall, and none causes what it does
// not mean. `npm run bench -- --only words --misses` prints more.
import { Target } from '@deed/config/targets'
import { describe, expect, it } from 'vitest'
import { type Figures, figuresOf, type Judged, judge } from '../words/evaluate.ts'
import { fuzz, mutatedSentences } from '../words/fuzz.ts'
import { mistyped } from '../words/mistype.ts'
import { PARTS, readSentences, readWorld } from '../words/sentences.ts'
import { understandTask } from '../words/understand-task.ts'
import { openUnderstanding } from '../words/world-understanding.ts'

/**
 * What is reached on the test part, in percent of the sentences that mean something, rounded down to a whole number. A
 * change that understands more raises it.
 */
const REACHED = { written: 92, mistyped: 88 }
/** The most that a change may lose, in percent. */
const LOSS_MAX = 1

const FUZZED = 1_000
/** CPU time; a test is no place to measure it closely. */
const FUZZ_MS_MAX = 2_000

const understand = openUnderstanding()
const sentences = readSentences()
const written = sentences.map((sentence) => judge(understand, sentence))
const typed = sentences.flatMap(mistyped).map((sentence) => judge(understand, sentence))

const onTestPart = (judged: readonly Judged[]): Figures =>
  figuresOf(judged.filter(({ sentence }) => sentence.part === 'test'))

const saidOf = (judged: readonly Judged[], is: (one: Judged) => boolean): string[] =>
  judged.filter(is).map(({ sentence }) => sentence.say)

const hasWrongEffect = ({ verdict }: Judged): boolean => verdict === 'wrong_effect'

/** It acts, where nothing may be done. */
const causesSomething = ({ sentence, understood, verdict }: Judged): boolean =>
  sentence.means.length === 0 && understood.outcome === 'acts' && verdict !== 'right'

describe('the sentences', () => {
  it('are enough, in every part, and many of them must cause nothing', () => {
    expect(sentences.length).toBeGreaterThanOrEqual(1_200)
    expect(sentences.filter(({ means }) => means.length === 0).length).toBeGreaterThanOrEqual(300)
    for (const part of PARTS) expect(sentences.filter((one) => one.part === part).length).toBeGreaterThan(200)
  })

  it('cause nothing where nothing may be done, with a typing error or without', () => {
    expect(saidOf(written, causesSomething)).toEqual([])
    expect(saidOf(typed, causesSomething)).toEqual([])
  })

  it('change nothing that they do not mean, with a typing error or without', () => {
    expect(saidOf(written, hasWrongEffect)).toEqual([])
    expect(saidOf(typed, hasWrongEffect)).toEqual([])
  })

  it('are understood as often as before', () => {
    expect(onTestPart(written).right_percent).toBeGreaterThanOrEqual(REACHED.written - LOSS_MAX)
  })

  it('are understood as often as before with one typing error each', () => {
    expect(onTestPart(typed).right_percent).toBeGreaterThanOrEqual(REACHED.mistyped - LOSS_MAX)
  })

  it('are answered in a bounded time when they are mutated, and none crashes', () => {
    const texts = mutatedSentences(
      sentences.map(({ say }) => say),
      FUZZED,
    )
    expect(fuzz(understand, texts, FUZZ_MS_MAX)).toMatchObject({ sentences: FUZZED })
  })
})

describe('names that are words of a sentence', () => {
  const NAMES = ['all', 'not', 'stop', 'restart', 'it', 'everything', 'billing']
  const target = Target.parse({ type: 'process', command: ['true'] })
  const targets = Object.fromEntries(NAMES.map((name) => [name, target]))
  const inThatWorld = openUnderstanding({ ...readWorld(), targets })

  it.each([
    ['restart all', 'service.restart all'],
    ['restart the service all', 'service.restart all'],
    ['stop everything', 'service.stop everything'],
    ['stop restart', 'service.stop restart'],
    ['restart stop', 'service.restart stop'],
    ['stop it', 'service.stop it'],
    ['restart not', 'service.restart not'],
    ['restart not billing', undefined],
    ['do not restart all', undefined],
    ['do not stop not', undefined],
    ['restart billing not', undefined],
    ['do not stop restart', undefined],
    ['not all', undefined],
  ])('cause nothing but what is said, or nothing: %s', (say, only) => {
    const understood = understandTask(inThatWorld, say)
    const actions = understood.outcome === 'acts' ? understood.reading.actions : []
    const done = actions.map(({ kind, input }) => `${kind} ${String(input.target)}`)
    expect([[], only === undefined ? [] : [only]]).toContainEqual(done)
  })
})
