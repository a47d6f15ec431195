/** Handing work in durably: the acknowledgement of the publish is the promise, and it is kept. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@deed/process/until'
import { loadScenario } from './load-scenario.ts'
import { checkFiles } from './written-files.ts'

/** An execution that takes longer than this on average is a failure of the scenario. */
const EXECUTION_MS_MAX = 20
/** Counting rows costs PostgreSQL time, which is measured. */
const COUNT_EVERY_MS = 500

export const durableSubmit = loadScenario({
  name: 'execution.submit',
  summary: 'hand in files of 64 bytes to write, 256 without acknowledgement; each is written in the end',
  work: 'submit',
  inFlight: 256,
  // Shorter than other scenarios: what is handed in has to be done, too.
  seconds: 5,
  async drain({ database }, begun) {
    await until(
      async () => {
        await sleep(COUNT_EVERY_MS)
        const { rows } = await database.query<{ done: number }>(
          "select count(*)::int as done from orchestrator.executions where status = 'done'",
        )
        return rows[0]?.done === begun || undefined
      },
      { timeoutMs: Math.max(30_000, begun * EXECUTION_MS_MAX), what: `the end of ${begun} executions` },
    )
  },
  async check({ workspace }, { run, begun }) {
    checkFiles(workspace, run, begun)
    return {}
  },
})
