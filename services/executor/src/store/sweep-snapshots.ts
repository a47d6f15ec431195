/**
 * Snapshots that no action in the ledger can need any more: each is kept before the intent that refers to it, so one
 * that is older than every intent is nobody's.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { every } from '@deed/process/every'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'

const EVERY_MS = 6 * 3_600_000
/** Between keeping bytes and writing the intent, with room for clocks that differ. */
const MARGIN_MS = 86_400_000
/** Removed in one sweep; the next one removes more. */
const REMOVED_MAX = 10_000

interface Dependencies {
  store: Store<unknown>
  folder: string
  undoMs: number
}

/** @returns how many were removed */
export async function sweepSnapshots({ store, folder, undoMs }: Dependencies, now: number): Promise<number> {
  const [row] = await store.query<{ oldest: Date | null }>(
    'executor.oldest_intent',
    'select least(min(intent_at), (select min(intent_at) from attempts)) as oldest from actions',
    [],
  )
  const oldest = Math.min(row?.oldest?.getTime() ?? Number.POSITIVE_INFINITY, now - undoMs) - MARGIN_MS
  let removed = 0
  for (const prefix of await namesIn(folder)) {
    for (const name of await namesIn(join(folder, prefix))) {
      const path = join(folder, prefix, name)
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
      if (mtimeMs >= oldest) continue
      await rm(path, { force: true })
      if (++removed === REMOVED_MAX) return removed
    }
  }
  return removed
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** Sweeps now and then; disposing waits for the sweep that is under way. */
export function keepSweeping(dependencies: Dependencies, log: Log): AsyncDisposable {
  const sweep = async (): Promise<void> => {
    const removed = await sweepSnapshots(dependencies, Date.now())
    if (removed > 0) log.info({ removed }, 'snapshots that nobody needs are removed')
  }
  return every(EVERY_MS, sweep, { failed: 'snapshots could not be swept', log })
}
