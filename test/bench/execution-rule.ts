/** One verified single-action execution by a rule, from plain words to a file on disk. */
import { hopsOf } from './hops.ts'
import { loadScenario } from './load-scenario.ts'
import type { Scenario } from './scenario.ts'
import { checkFiles } from './written-files.ts'

export const sequentialRule = writeFiles(
  'execution.rule.sequential',
  1,
  'write a file of 64 bytes, one execution at a time',
)
export const concurrentRule = writeFiles(
  'execution.rule.concurrent64',
  64,
  'write files of 64 bytes, 64 executions in flight',
)

function writeFiles(name: string, inFlight: number, summary: string): Scenario {
  return loadScenario({
    ...{ name, summary, inFlight, work: 'write' },
    async check({ workspace, database }, done) {
      checkFiles(workspace, done.run, done.begun)
      return done.paired ? {} : { hops_ms: await hopsOf(database, done) }
    },
  })
}
