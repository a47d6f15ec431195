/** Sentences that nobody wrote: pieces of real ones, mutated. Each must be answered, in a bounded time. */
import { type Random, randomFrom } from '@deed/drill/harness/random'
import { processTask } from '@deed/proto/agent'
import { type Understand, understandTask } from './understand-task.ts'

const CHARS_MAX = 65_536

/** What upsets programs that read text: quotes that are not closed, marks, hidden and broken characters. */
const PIECES = [
  ...'" \' ` ``` “ « ( ) [ ] { } {{each}} {service} $1 %s \\ / // .. ../ ~/ , ; . ? ! : 0 -1 1e309 NaN null'.split(' '),
  ...'http:// https://[::1]:99999/ constructor __proto__ toString hasOwnProperty ﬁ İ ß е о 日本語 עברית'.split(' '),
  ...'and|then|not|do not|if|except|all|constructor|__proto__'.split('|').map((word) => ` ${word} `),
  ...'\n\ud800\r\udc00\t\0\u200b\u200e\u202e\u2066\ufeff\u00a0\u3000\u0301',
  ...['a', ' ', '-', '(', 'not '].map((text) => text.repeat(200)),
]

/** @returns the same sentences for the same seed */
export function* mutatedSentences(sentences: readonly string[], count: number, seed = 1): Generator<string> {
  const random = randomFrom(seed)
  for (let number = 0; number < count; number++) {
    let text = random.pick(sentences)
    for (let left = random.between(1, 6); left > 0; left--) text = mutated(text, sentences, random)
    yield text === '' ? ' ' : text.slice(0, CHARS_MAX)
  }
}

function mutated(text: string, sentences: readonly string[], random: Random): string {
  const at = random.between(0, text.length)
  const to = random.between(at, text.length)
  switch (random.between(0, 9)) {
    case 0:
      return text.slice(0, at) + text.slice(to)
    case 1:
      return text.slice(0, at) + random.pick(PIECES) + text.slice(at)
    case 2:
      return text.slice(0, at) + String.fromCharCode(random.between(0, 0xffff)) + text.slice(at + 1)
    case 3:
      return text.slice(0, to) + text.slice(at)
    case 4:
      return `${text} ${random.pick(sentences)}`
    case 5:
      return text.slice(0, at) + random.pick(sentences) + text.slice(at)
    case 6:
      return text
        .split(' ')
        .toSorted(() => random.next() - 0.5)
        .join(' ')
    case 7:
      return random.next() < 0.5 ? text.toUpperCase() : text.normalize('NFKD')
    case 8:
      return text.replaceAll(' ', random.pick(['', '  ', '\u00a0', '\u200b', '-', '_', '\n']))
    default:
      return random.next() < 0.05 ? `${text} `.repeat(random.between(2, 2_000)) : text.slice(0, at)
  }
}

export interface FuzzResult {
  readonly sentences: number
  readonly acted: number
  readonly asked: number
  readonly slowest_ms: number
  /** The first characters of the slowest. */
  readonly slowest: string
}

/**
 * CPU time of this thread, so that a busy machine makes nothing slow.
 *
 * @throws where a sentence crashes, has a reply that is against the contract, or takes longer than `msMax`
 */
export function fuzz(understand: Understand, texts: Iterable<string>, msMax: number): FuzzResult {
  const checked: Understand = (task) => processTask.output.parse(understand(task))
  const result = { sentences: 0, acted: 0, asked: 0, slowest_ms: 0, slowest: '' }
  for (const text of texts) {
    const from = process.threadCpuUsage()
    try {
      const { outcome } = understandTask(checked, text)
      if (outcome === 'acts') result.acted++
      if (outcome === 'asks') result.asked++
    } catch (error) {
      throw new Error(`the sentence ${JSON.stringify(text)} crashes`, { cause: error })
    }
    const used = process.threadCpuUsage(from)
    const ms = (used.user + used.system) / 1_000
    if (ms > msMax)
      throw new Error(`the sentence ${JSON.stringify(text)} takes ${ms} ms of CPU time; at most ${msMax} are allowed`)
    if (ms > result.slowest_ms) Object.assign(result, { slowest_ms: ms, slowest: JSON.stringify(text.slice(0, 80)) })
    result.sentences++
  }
  return result
}
