import { temporaryFolder } from '@deed/local/temporary-folder'
import { expect, it } from 'vitest'
import { makeNextRelease, NEXT_MIGRATION, needsSource } from './next-release.ts'

const why = needsSource()

it.skipIf(why !== undefined)(
  `another release can be made of this source${why ? ` (SKIPPED: ${why})` : ''}`,
  async () => {
    using folder = temporaryFolder()
    const root = makeNextRelease(folder.path)
    const { migrations } = await import(`${root}/services/orchestrator/src/store/migrations.ts`)
    expect(Object.keys(migrations)).toContain(NEXT_MIGRATION)
  },
)
