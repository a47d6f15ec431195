/**
 * Ends a whole tree of processes: children, their children, and those that have left for a session of their own.
 *
 * The wait ends when none is left, so that what is done next meets no process of the old attempt.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { DeedError } from '@deed/proto/errors'
import { descendantsOf, processesMarked, type RunningProcess, stillRunning } from './process-table.ts'

const POLL_MS_MIN = 1
const POLL_MS_MAX = 20
const KILL_MS_MAX = 10_000

/**
 * Ends the processes that have these entries in their environment, and all below them.
 *
 * @param entries of the environment, as `NAME=value`
 * @param graceMs how long they may take to end by themselves after SIGTERM; 0: SIGKILL at once
 * @returns how many processes there were
 * @throws {DeedError} `effect_failed` when one cannot be ended
 */
export const endTree = async (entries: readonly string[], graceMs: number): Promise<number> =>
  (await endAll(() => descendantsOf(processesMarked(...entries)), graceMs)).ended

export interface EndedProcesses {
  /** How many there were. */
  readonly ended: number
  /** Of these, how many got SIGKILL. */
  readonly killed: number
}

/**
 * Ends all that `find` finds, pass after pass: every pass finds what was started since the last one.
 *
 * @param holders processes that are left to end by themselves during the grace, since their end would end the others
 * @throws {DeedError} `effect_failed` when one cannot be ended
 */
export async function endAll(
  find: () => readonly RunningProcess[],
  graceMs: number,
  holders: readonly number[] = [],
): Promise<EndedProcesses> {
  const known = new Map<number, RunningProcess>()
  const left = () => {
    for (const one of find()) if (one.pid !== process.pid) known.set(one.pid, one)
    return stillRunning([...known.values()])
  }
  const others = (running: readonly RunningProcess[]) => running.filter(({ pid }) => !holders.includes(pid))
  let running = left()
  if (running.length === 0) return { ended: 0, killed: 0 }
  if (graceMs > 0) {
    signal(others(running), 'SIGTERM')
    running = await waitUntilGone(left, performance.now() + graceMs, () => undefined)
  }
  const killed = new Set<number>()
  running = await waitUntilGone(left, performance.now() + KILL_MS_MAX, (some) => {
    signal(some, 'SIGKILL')
    for (const { pid } of some) killed.add(pid)
  })
  if (running.length > 0)
    throw new DeedError('effect_failed', `${running.length} processes cannot be ended`, {
      details: { pids: running.map(({ pid }) => pid) },
    })
  return { ended: others([...known.values()]).length, killed: killed.size }
}

async function waitUntilGone(
  left: () => RunningProcess[],
  deadline: number,
  urge: (running: readonly RunningProcess[]) => void,
): Promise<RunningProcess[]> {
  for (let waitMs = POLL_MS_MIN; ; waitMs = Math.min(waitMs * 2, POLL_MS_MAX)) {
    const running = left()
    if (running.length === 0 || performance.now() > deadline) return running
    urge(running)
    await sleep(waitMs)
  }
}

function signal(processes: readonly RunningProcess[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name)
    } catch {
      // Gone already; the next pass shows it.
    }
  }
}
