/**
 * The scores of all templates in memory, so that choosing never waits.
 *
 * Scores from other replicas are fetched in the background of a choice if the last fetch is more than five seconds old:
 * without traffic there are no queries, and without the database choosing continues.
 */
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { type ScoreRow, scoreKey, scoresSince } from '../store/template-outcomes.ts'
import type { Score } from '../templates/score.ts'

const CHECK_AGAIN_MS = 5_000
/** Rows are stamped before they commit; a fetch reaches back this far, so that it misses none. */
const OVERLAP_MS = 30_000

export interface LearnedScores {
  of(tenant: string, templateId: string, templateVersion: number): Score | undefined
  keep(rows: readonly ScoreRow[]): void
  /** Fetches new scores in the background, rate-limited. */
  refresh(): void
}

/**
 * @param now a monotonic clock in milliseconds
 * @throws if the scores cannot be read at start-up
 */
export async function openLearnedScores(
  store: Pick<Store<unknown>, 'query'>,
  log: Log,
  now: () => number = () => performance.now(),
): Promise<LearnedScores> {
  const scores = new Map<string, ScoreRow>()
  let seenUntil = 0
  let checkedAt = Number.NEGATIVE_INFINITY
  let checking = false

  const keep = (rows: readonly ScoreRow[]): void => {
    for (const row of rows) {
      const key = scoreKey(row)
      // Counts only increase, so the row with the higher count is newer.
      if ((scores.get(key)?.usageCount ?? 0) < row.usageCount) scores.set(key, row)
    }
  }
  const refresh = async (): Promise<void> => {
    checkedAt = now()
    const { rows, databaseMs } = await scoresSince(store, seenUntil - OVERLAP_MS)
    keep(rows)
    seenUntil = Math.max(seenUntil, databaseMs)
  }
  await refresh()

  return {
    of: (tenant, templateId, templateVersion) => scores.get(scoreKey({ tenant, templateId, templateVersion })),
    keep,
    refresh() {
      if (checking || now() - checkedAt < CHECK_AGAIN_MS) return
      checking = true
      refresh()
        .catch((error: unknown) => log.warn({ err: error }, 'reading the scores of other replicas failed'))
        .finally(() => {
          checking = false
        })
    },
  }
}
