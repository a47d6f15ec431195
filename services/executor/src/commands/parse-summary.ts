/** How many tests ran and how they ended, from the summary lines of the tools that people run tests with. */

export interface TestCounts {
  /** The form of the summary that was read. */
  readonly format: 'tap' | 'node' | 'vitest' | 'pytest' | 'go' | 'exunit' | 'cargo'
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** @returns `undefined` where the output has no summary that is known */
export function parseSummary(output: string): TestCounts | undefined {
  const text = withoutColour(output)
  for (const read of READERS) {
    const counts = read(text)
    if (counts) return counts
  }
  return undefined
}

type Reader = (text: string) => TestCounts | undefined

const READERS: readonly Reader[] = [
  // `# pass 5` in TAP, `ℹ pass 5` in node's own form.
  (text) => {
    const count = (name: string) => lastNumber(text, new RegExp(`^[#ℹ] ${name} (\\d+)\\s*$`, 'gm'))
    const [passed, failed] = [count('pass'), count('fail')]
    if (passed === undefined || failed === undefined) return undefined
    const skipped = (count('skipped') ?? 0) + (count('todo') ?? 0) + (count('cancelled') ?? 0)
    return {
      format: 'node',
      passed: Math.max(0, passed - filesWithoutTests(text)),
      failed: failed + (count('cancelled') ?? 0),
      skipped,
    }
  },
  // `Tests  1 failed | 4 passed | 2 skipped (7)`; jest says `Tests: 1 failed, 4 passed, 5 total`. Once for each project.
  (text) => {
    const lines = [...text.matchAll(/^\s*Tests:?\s+(?=\d)(.*)$/gm)].map(([, line = '']) => words(line))
    return lines.length === 0 ? undefined : { format: 'vitest', ...sumOf(lines) }
  },
  // `==== 1 failed, 4 passed, 2 skipped in 0.12s ====`, once for each run.
  (text) => {
    const lines = [...text.matchAll(/^=*\s*((?:\d+ \w+, )*\d+ \w+) in [\d.]+s.*$/gm)].map(([, line = '']) => {
      const found = words(line)
      return { ...found, failed: found.failed + (numberOf(line, /(\d+) errors?\b/) ?? 0) }
    })
    return lines.length === 0 ? undefined : { format: 'pytest', ...sumOf(lines) }
  },
  // `test result: ok. 4 passed; 0 failed; 1 ignored; ...`, once for each binary.
  (text) => {
    const lines = [...text.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm)]
    if (lines.length === 0) return undefined
    const sum = (at: number) => lines.reduce((total, line) => total + Number(line[at]), 0)
    return { format: 'cargo', passed: sum(1), failed: sum(2), skipped: sum(3) }
  },
  // `5 tests, 1 failure, 2 skipped`, once for each application.
  (text) => {
    const lines = [...text.matchAll(/^((?:\d+ \w+, )*\d+ tests?, \d+ failures?.*)$/gm)].map(([, line = '']) => {
      const failed = numberOf(line, /(\d+) failures?/) ?? 0
      const skipped = numberOf(line, /(\d+) (?:skipped|excluded)/) ?? 0
      const kinds = [...line.matchAll(/(\d+) (?:tests?|doctests?|propert(?:y|ies))\b/g)]
      const total = kinds.reduce((sum, [, n]) => sum + Number(n), 0)
      return { passed: total - failed - skipped, failed, skipped }
    })
    return lines.length === 0 ? undefined : { format: 'exunit', ...sumOf(lines) }
  },
  // With -v a line for each test; without, one for each package.
  (text) => {
    const tests = (word: string) => [...text.matchAll(new RegExp(`^\\s*--- ${word}: `, 'gm'))].length
    const packages = (word: string) =>
      [...text.matchAll(new RegExp(`^${word}\\s+\\S+\\s+(?:[\\d.]+s|\\(cached\\)|\\[)`, 'gm'))].length
    const [passed, failed, skipped] = [tests('PASS'), tests('FAIL'), tests('SKIP')]
    if (passed + failed + skipped > 0 && /^(?:ok|FAIL|PASS)\b/m.test(text))
      return { format: 'go', passed, failed, skipped }
    const [good, bad] = [packages('ok'), packages('FAIL')]
    return good + bad === 0 ? undefined : { format: 'go', passed: good, failed: bad, skipped: 0 }
  },
  // TAP without a summary: the lines of its outermost level themselves.
  (text) => {
    if (!/^(?:TAP version \d+|1\.\.\d+)\s*$/m.test(text)) return undefined
    const lines = [...text.matchAll(/^(not )?ok\b(.*)$/gm)]
    const skipped = lines.filter(([, , rest]) => /# (?:skip|todo)/i.test(rest ?? '')).length
    const notOk = lines.filter(([, not, rest]) => not && !/# (?:skip|todo)/i.test(rest ?? '')).length
    // What was planned and never reported did not pass; nor did what a bail-out has ended.
    const planned = lastNumber(text, /^1\.\.(\d+)\s*$/gm) ?? lines.length
    const missing = Math.max(planned - lines.length, /^Bail out!/m.test(text) ? 1 : 0)
    return { format: 'tap', passed: lines.length - notOk - skipped, failed: notOk + missing, skipped }
  },
]

/** Node counts a file that ended with 0 and in which no test ran as one that passed, under the file's own name. */
const filesWithoutTests = (text: string): number =>
  [...text.matchAll(/^✔ \S+\.[cm]?[jt]sx? \([\d.]+m?s\)$/gm)].length +
  [...text.matchAll(/^# Subtest: (\S+\.[cm]?[jt]sx?)\n(?:#(?! Subtest:).*\n)*ok \d+ - \1$/gm)].length

type Counts = Omit<TestCounts, 'format'>

/** Of several summaries none is forgotten: the last may be of the project that passed. */
const sumOf = (all: readonly Counts[]): Counts => ({
  passed: all.reduce((sum, { passed }) => sum + passed, 0),
  failed: all.reduce((sum, { failed }) => sum + failed, 0),
  skipped: all.reduce((sum, { skipped }) => sum + skipped, 0),
})

/** `1 failed, 4 passed, 2 skipped`, in any order and with anything in between. */
const words = (line: string) => ({
  passed: numberOf(line, /(\d+) passed/) ?? 0,
  failed: numberOf(line, /(\d+) failed/) ?? 0,
  skipped: (numberOf(line, /(\d+) skipped/) ?? 0) + (numberOf(line, /(\d+) todo/) ?? 0),
})

function numberOf(line: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(line)?.[1]
  return found === undefined ? undefined : Number(found)
}

const lastLine = (text: string, pattern: RegExp): string | undefined => [...text.matchAll(pattern)].at(-1)?.[1]

function lastNumber(text: string, pattern: RegExp): number | undefined {
  const found = lastLine(text, pattern)
  return found === undefined ? undefined : Number(found)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const withoutColour = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, '')
