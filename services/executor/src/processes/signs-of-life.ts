/**
 * Until when a command may have been at work: a file that is touched as long as it runs, and stays when the executor
 * dies. What was changed later, somebody else has changed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ActionId } from '@deed/proto/ids'
import { runningProcess } from './process-table.ts'

const EVERY_MS = 100
/**
 * How long after its last sign a command may have gone on: on a host with much to do the executor may have been kept from
 * giving one, and what it has started does not end in the same instant as it does.
 */
const SILENT_MS_MAX = 3_000

/**
 * Gives signs until it is disposed, which is to be when no process of the command is left. The process that has taken the action
 * over meanwhile may have forgotten the signs, or be giving its own: those are left as they are.
 */
export function giveSigns(dataFolder: string, actionId: ActionId): Disposable {
  const file = fileOf(dataFolder, actionId)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const own = `${process.pid} ${runningProcess(process.pid)?.started}`
  writeFileSync(file, own, { mode: 0o600 })
  const timer = setInterval(() => {
    const now = new Date()
    try {
      utimesSync(file, now, now)
    } catch {
      // A sign that is missed says less than there was, and nothing wrong.
    }
  }, EVERY_MS)
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      if (existsSync(file) && readFileSync(file, 'utf8') === own) writeFileSync(file, ENDED)
    },
  }
}

/**
 * The latest moment at which the command can have changed anything, where no process of it is left.
 *
 * @returns milliseconds since 1970; `undefined`: it was never begun on this host
 */
export function endedBy(dataFolder: string, actionId: ActionId): number | undefined {
  const file = fileOf(dataFolder, actionId)
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat) return undefined
  const said = readFileSync(file, 'utf8')
  if (said === ENDED) return stat.mtimeMs
  const [pid, started] = said.split(' ')
  // The process that gives the signs exists, and may have been frozen.
  if (runningProcess(Number(pid))?.started === started) return Date.now()
  return stat.mtimeMs + SILENT_MS_MAX
}

export function forgetSigns(dataFolder: string, actionId: ActionId): void {
  rmSync(fileOf(dataFolder, actionId), { force: true })
}

const ENDED = 'ended'

/** Among the snapshots, which are swept when no action in the ledger can need them any more. */
const fileOf = (dataFolder: string, actionId: ActionId) => join(dataFolder, 'snapshots', 'running', actionId)
