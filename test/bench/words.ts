/** How many sentences are understood, how long a decision takes, and that no text breaks it. */
import { understanding } from '@deed/hybrid-agent/understanding/understand'
import { figuresOf, type Judged, judge } from '../words/evaluate.ts'
import { fuzz, mutatedSentences } from '../words/fuzz.ts'
import { largeMesh } from '../words/many-rules.ts'
import { everyMistyped, mistyped } from '../words/mistype.ts'
import { PARTS, readSentences } from '../words/sentences.ts'
import { openUnderstanding } from '../words/world-understanding.ts'
import { percentile } from './load.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const wordsUnderstood: Scenario = {
  name: 'words',
  summary: 'sentences of people: how many are understood, and how fast',
  ofTheMachine: true,
  run: measureWords,
}

/** `--only words` leaves it out: it takes minutes. */
export const everyTypingError: Scenario = {
  name: 'typing-errors',
  summary: 'every typing error of one letter in those sentences: how many change what is not meant',
  ofTheMachine: true,
  run: measureTypingErrors,
}

async function measureTypingErrors({ misses }: Settings): Promise<Line[]> {
  const understand = openUnderstanding()
  const from = process.cpuUsage()
  const wrong: Judged[] = []
  const verdicts: Record<string, number> = {}
  for (const sentence of readSentences().flatMap(everyMistyped)) {
    const judged = judge(understand, sentence)
    if (judged.verdict === 'wrong_effect') wrong.push(judged)
    verdicts[judged.verdict] = (verdicts[judged.verdict] ?? 0) + 1
  }
  const { user, system } = process.cpuUsage(from)
  const sentences = Object.values(verdicts).reduce((sum, count) => sum + count, 0)
  const total = { sentences, wrong_effects: wrong.length, verdicts, cpu_s: rounded((user + system) / 1e6, 1) }
  return [{ scenario: 'typing-errors', ...total }, ...(misses ? wrong.flatMap(missLine) : [])]
}

/** CPU time of one mutated sentence, with its split into clauses, in milliseconds. */
const FUZZ_MS_MAX = 1_000

async function measureWords({ fuzz: mutations, misses }: Settings): Promise<Line[]> {
  const understand = openUnderstanding()
  const sentences = readSentences()
  const judged = sentences.map((sentence) => judge(understand, sentence))
  const typed = sentences.flatMap(mistyped).map((sentence) => judge(understand, sentence))
  const texts = sentences.map(({ say }) => say)
  const lines = PARTS.flatMap((part) => {
    const inPart = ({ sentence }: Judged): boolean => sentence.part === part
    return [figuresLine(part, judged.filter(inPart)), figuresLine(`${part}.mistyped`, typed.filter(inPart))]
  })
  lines.push(...timesAmongMany(texts))
  if (mutations !== undefined) {
    const result = fuzz(understand, mutatedSentences(texts, mutations), FUZZ_MS_MAX)
    lines.push({ scenario: 'words.fuzz', ...result, slowest_ms: rounded(result.slowest_ms) })
  }
  return misses ? [...lines, ...[...judged, ...typed].flatMap(missLine)] : lines
}

function figuresLine(name: string, judged: readonly Judged[]): Line {
  return { scenario: `words.${name}`, ...figuresOf(judged) }
}

/** Of a sentence that is not understood as it is meant. Those of the test part are not shown: they are the measure. */
function missLine({ sentence, understood, verdict }: Judged): Line[] {
  const expected = sentence.means.length > 0 ? 'right' : 'nothing'
  const asRight = sentence.asks_ok && ['offered', 'asked'].includes(verdict)
  if (sentence.part === 'test' || verdict === expected || asRight) return []
  const readings =
    understood.outcome === 'acts' ? [understood.reading] : understood.outcome === 'asks' ? understood.options : []
  const got = readings.map(({ actions }) => JSON.stringify(actions.map(({ kind, input }) => ({ kind, input }))))
  return [
    { scenario: `words.miss.${sentence.part}`, verdict, say: JSON.stringify(sentence.say), got: got.join(' or ') },
  ]
}

const TRAININGS = 3
const ROUNDS = 3
const LONG_CHARS = 65_000

/** With 500 rules and 200 targets. */
function timesAmongMany(texts: readonly string[]): Line[] {
  const { packs, vocabulary, sentences } = largeMesh()
  const trainings = Array.from({ length: TRAININGS }, () => {
    const from = performance.now()
    understanding(packs, vocabulary)
    return performance.now() - from
  })
  const understand = understanding(packs, vocabulary)
  const all = [...texts, ...sentences]
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const description of all) {
      const from = performance.now()
      understand({ description })
      // The first round compiles the code.
      if (round > 0) times.push(performance.now() - from)
    }
  }
  times.sort((a, b) => a - b)
  const known = sentences.filter((description) => understand({ description }).outcome === 'handled')
  const longest = longTexts(all).map(([name, description]): [string, number] => {
    const from = performance.now()
    understand({ description })
    return [name, rounded(performance.now() - from)]
  })
  return [
    {
      scenario: 'words.decision',
      p50_ms: rounded(percentile(times, 50), 4),
      p95_ms: rounded(percentile(times, 95), 4),
      p99_ms: rounded(percentile(times, 99), 4),
      rules: packs.reduce((sum, { rules }) => sum + rules.length, 0),
      targets: vocabulary.targets.size,
      training_ms: rounded(
        percentile(
          trainings.toSorted((a, b) => a - b),
          50,
        ),
      ),
      made_up_right_percent: rounded((100 * known.length) / sentences.length, 1),
      long_ms: Object.fromEntries(longest),
    },
  ]
}

/** Each of 65,000 characters. */
function longTexts(texts: readonly string[]): [name: string, text: string][] {
  const repeated = (piece: string): string => piece.repeat(Math.ceil(LONG_CHARS / piece.length)).slice(0, LONG_CHARS)
  return [
    ['sentences', repeated(`${texts.join(' ')} `)],
    ['one_word', repeated('a')],
    ['one_letter_words', repeated('a ')],
    ['clauses', repeated('restart demo-api and ')],
    ['quotes', repeated('"')],
    ['blanks', `restart${' '.repeat(LONG_CHARS)}demo-api`],
    ['negations', repeated('not ')],
  ]
}
