// The truth drill in short: the first lie and the first ordinary thing of each kind of action, on one mesh.
// `deed drill --truth` is the whole of it.
import { randomInt } from 'node:crypto'
import { LIES, ORDINARY } from '@deed/drill/truth/cases'
import { drillTruth } from '@deed/drill/truth/drill-truth'
import { describe, expect, it } from 'vitest'

const DRILL_MS_MAX = 300_000

describe('the truth drill', () => {
  it('tries each lie and each ordinary thing once, under a sentence of its own', () => {
    for (const cases of [LIES, ORDINARY]) {
      const named = cases.map(({ kind, says }) => `${kind}: ${says}`)
      expect(named.filter((name, index) => named.indexOf(name) !== index)).toEqual([])
    }
    expect(LIES.length).toBeGreaterThanOrEqual(300)
    expect(ORDINARY.length).toBeGreaterThanOrEqual(200)
  })

  it(
    'finds no false success, no false rollback and no false refusal',
    async () => {
      const report = await drillTruth({ seed: randomInt(2 ** 31), short: true, progress: (line) => console.log(line) })
      expect(report.wrong).toEqual({ false_successes: [], false_rollbacks: [], false_refusals: [], broken: [] })
      expect(report.lies).toBeGreaterThanOrEqual(20)
      expect(report.ordinary).toBeGreaterThanOrEqual(15)
    },
    DRILL_MS_MAX,
  )
})
