import { describe, expect, it } from 'vitest'
import { expectValidGraph } from '../../test/expect-valid-graph.ts'
import { ONE_TASK, SEVERAL } from '../../test/sentences.ts'
import { decompose } from './decompose.ts'

describe('any text', () => {
  const PIECES = [
    ...ONE_TASK,
    ...SEVERAL.map(([text]) => text),
    ' and ',
    ', ',
    '; ',
    '. ',
    '\n',
    '\n\n',
    '1. ',
    '2) ',
    '- ',
    '"',
    "'",
    '`',
    '```',
    '(',
    ')',
    ' then ',
    'if ',
    'it',
    'restart ',
    'build a system with ',
    '\uE000',
    '\u{1F600}',
    '\ud800',
    ':',
    ' or ',
    '    ',
    '\t',
    'first, ',
    ' before ',
    ' after ',
    ' before you start ',
    ' after stopping ',
    "once that's done ",
    ', but first ',
    ' and do not touch ',
    'demo-api: ',
    ' them',
    ' both',
    ' its logs',
    ' everything except ',
    ' - ',
    ...Object.getOwnPropertyNames(Object.prototype).map((name) => ` ${name} `),
  ]

  it('becomes a valid graph, the same one each time', () => {
    let state = 42
    const draw = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (let round = 0; round < 2_000; round++) {
      let goal = ''
      for (let count = 1 + draw(8); count > 0; count--) goal += PIECES[draw(PIECES.length)]
      const complexity = ([undefined, 'simple', 'medium', 'complex'] as const)[draw(4)]
      const graph = decompose({ goal, complexity, acceptance_criteria: ['a', 'b'] })
      expectValidGraph(graph.nodes)
      expect(JSON.stringify(decompose({ goal, complexity, acceptance_criteria: ['a', 'b'] }))).toBe(
        JSON.stringify(graph),
      )
      const owned = graph.nodes.flatMap(({ kind, acceptance_criteria }) => (kind === 'task' ? acceptance_criteria : []))
      expect(owned).toEqual(expect.arrayContaining(['a', 'b']))
    }
  })

  it.each([
    ['quotes', '"'],
    ['opening quotes', '“'],
    ['brackets', '('],
    ['blanks', ' '],
    ['line ends', '\n'],
    ['questions', '? '],
    ['commas', ', '],
    ['clauses', 'restart demo-api and '],
    ['a list of names', 'demo-api, '],
    ['items', '1. a\n'],
    ['numbers', '1. 2. '],
    ['pronouns', 'it them both '],
    ['turned order', ' before you start a-1'],
    ['fragments', 'a: stop, '],
    ['restrictions', ", don't "],
    ['a page', 'restart demo-api and check web-01. '],
  ])('is read in a time that grows with its length: %s', (_what, unit) => {
    for (const start of ['', 'restart demo-api, ']) {
      const goalOf = (chars: number): string => (start + unit.repeat(chars / unit.length + 1)).slice(0, chars)
      const shortMs = cpuMs(goalOf(SHORT_CHARS))
      const enoughMs = GROWTH_MAX * Math.max(shortMs, SHORT_MS_MIN)
      expect(cpuMs(goalOf(LONG_CHARS), enoughMs)).toBeLessThan(enoughMs)
    }
  })
})

const SHORT_CHARS = 8_000
const LONG_CHARS = 65_000
/** For eight times the length: a time that grows with its square takes 66 times as much. */
const GROWTH_MAX = 30
/** What is shorter says nothing. */
const SHORT_MS_MIN = 0.5

/** Of this thread alone, and the best of several: the first runs are not compiled yet. @param enoughMs ends it sooner */
function cpuMs(goal: string, enoughMs = 0): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 10 && best >= enoughMs; round++) {
    const begun = process.threadCpuUsage()
    const { nodes } = decompose({ goal })
    const { user, system } = process.threadCpuUsage(begun)
    best = Math.min(best, (user + system) / 1_000)
    expectValidGraph(nodes)
  }
  return best
}
