import { describe, expect, it } from 'vitest'
import { randomRenames } from '../../test/random-renames.ts'
import { findProgram } from '../processes/find-program.ts'

/** The engine and the tests of the repository run several times, on machines that have other things to do. */
const TEST_MS_MAX = 900_000
const HAS_NPM = findProgram('npm') !== undefined
const withoutNpm = HAS_NPM ? '' : ' (SKIPPED: there is no program npm on this host)'

describe.skipIf(!HAS_NPM)(`renames that a seed chooses in a repository with tests${withoutNpm}`, () => {
  it('are kept with passing tests and undone, or restored, each to the byte', { timeout: TEST_MS_MAX }, async () => {
    const { wrong, kept, restored, refused } = await randomRenames(2, 3)
    expect(wrong).toEqual([])
    expect(kept + restored + refused).toBe(2)
    expect(kept).toBeGreaterThan(0)
  })
})
