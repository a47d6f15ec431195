/**
 * test.run: the project's own tests, run as command.run runs a program. Done is what ended with 0 and whose summary
 * says that tests ran and none failed: a run of no tests shows nothing.
 */
import type { JsonObject } from '@deed/proto/json'
import type { Effect, Kind } from '../kind/kind.ts'
import { failed, type Seen, unverified, verified } from '../kind/seen.ts'
import { type CommandAfter, type CommandBefore, type CommandRun, commandRun } from './command-run.ts'
import { parseSummary, type TestCounts } from './parse-summary.ts'

export const testRun: Kind<CommandRun, CommandBefore, CommandAfter> = {
  ...commandRun,
  name: 'test.run',
  takesVerify: false,
  example: { argv: ['npm', 'test'] },
  summary: (input) => commandRun.summary(input).replace(/^run/, 'run the tests with'),
  mayHoldAlready: () => false,
  postcondition: () => ({ kind: 'own_observation' }),
  async execute(input, context, before) {
    const effect = await commandRun.execute(input, context, before)
    const counts = parseSummary(outputOf(effect))
    if (!counts) return effect
    const text = sentence(counts)
    const data = { ...(effect.result.data as JsonObject), tests: { ...counts } }
    return { ...effect, result: { text, data }, facts: { ...effect.facts, tests: { ...counts } } }
  },
  async observe(_input, _context, _before, effect): Promise<Seen> {
    if (!effect) return unverified('no run of this attempt has ended')
    const counts = effect.facts?.tests as TestCounts | undefined
    if (effect.exitCode !== 0) {
      const ended = `the run ended with exit code ${effect.exitCode}`
      return failed(counts ? `${ended}: ${sentence(counts)}` : ended)
    }
    if (!counts) return unverified('the output has no summary that is known, so it is unknown whether a test ran')
    if (counts.failed > 0) return failed(`the summary says ${sentence(counts)}, and yet the exit code is 0`)
    if (counts.passed === 0) return failed(`no test ran: the summary says ${sentence(counts)}`)
    return verified(`exit code 0, and the summary of the run itself says ${sentence(counts)}`)
  },
}

function outputOf({ result }: Effect): string {
  const { stdout = '', stderr = '' } = result.data as { stdout?: string; stderr?: string }
  return `${stdout}\n${stderr}`
}

const sentence = ({ passed, failed, skipped }: TestCounts) => `${passed} passed, ${failed} failed, ${skipped} skipped`
