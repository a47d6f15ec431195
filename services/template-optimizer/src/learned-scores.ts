/**
 * The scores of all templates in memory, so that choosing waits for nothing.
 *
 * What other replicas learn is fetched beside a choice, when the last look is more than five
 * seconds old: without traffic the database is left alone, and without the database choosing goes on.
 */
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import type { Score } from './score.ts'
import { type ScoreRow, scoreKey, scoresSince } from './store/template-outcomes.ts'

const LOOK_AGAIN_MS = 5_000
/** Rows are stamped before they commit; a look reaches back this far, so that it misses none. */
const OVERLAP_MS = 30_000

export interface LearnedScores {
  of(tenant: string, templateId: string, templateVersion: number): Score | undefined
  keep(rows: readonly ScoreRow[]): void
  /** Fetches what is new, in the background and seldom. */
  refresh(): void
}

/**
 * @param now a clock in milliseconds that only runs forwards
 * @throws when the scores cannot be read at the start
 */
export async function openLearnedScores(
  store: Pick<Store<unknown>, 'query'>,
  log: Log,
  now: () => number = () => performance.now(),
): Promise<LearnedScores> {
  const scores = new Map<string, ScoreRow>()
  let seenUntil = 0
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking = false

  const keep = (rows: readonly ScoreRow[]): void => {
    for (const row of rows) {
      const key = scoreKey(row)
      // Counts only rise, so of two states of a row the one with the higher count is the later.
      if ((scores.get(key)?.usageCount ?? 0) < row.usageCount) scores.set(key, row)
    }
  }
  const look = async (): Promise<void> => {
    lookedAt = now()
    const { rows, databaseMs } = await scoresSince(store, seenUntil - OVERLAP_MS)
    keep(rows)
    seenUntil = Math.max(seenUntil, databaseMs)
  }
  await look()

  return {
    of: (tenant, templateId, templateVersion) => scores.get(scoreKey({ tenant, templateId, templateVersion })),
    keep,
    refresh() {
      if (looking || now() - lookedAt < LOOK_AGAIN_MS) return
      looking = true
      look()
        .catch((error: unknown) => log.warn({ err: error }, 'scores of other replicas could not be read'))
        .finally(() => {
          looking = false
        })
    },
  }
}
