// The drill in short: a few executions with faults by chance, and the rows of the fault matrix that no other test here
// tries. `npm run chaos` is the whole of it.
import { randomInt } from 'node:crypto'
import { runDrill } from '@deed/drill/drill'
import { FAULTS } from '@deed/drill/faults'
import { describe, expect, it } from 'vitest'

const EXECUTIONS = 20
const ONLY = ['F07', 'F36', 'F46', 'F47']
const DRILL_MS_MAX = 240_000

describe('the drill', () => {
  it('knows each fault by one id, and says of each what happens', () => {
    expect(new Set(FAULTS.map(({ id }) => id)).size).toBe(FAULTS.length)
    for (const { id, title } of FAULTS) expect({ id, title }).toEqual({ id: expect.stringMatching(/^F\d\d$/), title })
    expect(FAULTS.length).toBeGreaterThanOrEqual(40)
  })

  it(
    'finds nothing lost, nothing twice, nothing unproven and nothing stuck',
    async () => {
      const seed = randomInt(2 ** 31)
      const report = await runDrill({
        seed,
        executions: EXECUTIONS,
        histories: 0,
        requests: 0,
        only: ONLY,
        progress: (line) => console.log(line),
      })
      expect(report).toEqual({
        seed,
        accepted: EXECUTIONS,
        executed: EXECUTIONS,
        verified: expect.any(Number),
        unverified: 0,
        duplicates: 0,
        lost: 0,
        stuck: 0,
        quiet_after_ms: expect.any(Number),
        claims: { tried: 5, caught: 5 },
        failures: { tried: 10, restored: 10 },
        histories: { tried: 0, held: 0 },
        doors: { requests: 0, refused: 0, growth_mib: {} },
        wrong: [],
        faults: Object.fromEntries(ONLY.map((id) => [id, 'held'])),
      })
      expect(report.verified).toBeGreaterThan(0)
    },
    DRILL_MS_MAX,
  )
})
