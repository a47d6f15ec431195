/**
 * Ends a whole tree of processes: children, their children, and those that have left for a session of their own.
 *
 * They are found by an entry in the environment that each inherits, and by their parents and sessions. The wait ends
 * when none is left, so that what is done next meets no process of the old attempt.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { DeedError } from '@deed/proto/errors'
import { descendantsOf, processesMarked, type RunningProcess, stillRunning } from './process-table.ts'

const POLL_MS = 10
const KILL_MS_MAX = 10_000

/**
 * @param entries of the environment, as `NAME=value`
 * @param graceMs how long they may take to end by themselves after SIGTERM; 0: SIGKILL at once
 * @returns how many processes there were
 * @throws {DeedError} `effect_failed` when one cannot be ended
 */
export async function endTree(entries: readonly string[], graceMs: number): Promise<number> {
  const known = new Map<number, RunningProcess>()
  // Every look finds what was started since the last one.
  const left = () => {
    for (const one of descendantsOf(processesMarked(...entries))) if (one.pid !== process.pid) known.set(one.pid, one)
    return stillRunning([...known.values()])
  }
  let running = left()
  if (running.length === 0) return 0
  if (graceMs > 0) {
    signal(running, 'SIGTERM')
    running = await waitUntilGone(left, performance.now() + graceMs, () => undefined)
  }
  running = await waitUntilGone(left, performance.now() + KILL_MS_MAX, (some) => signal(some, 'SIGKILL'))
  if (running.length > 0)
    throw new DeedError('effect_failed', `${running.length} processes cannot be ended`, {
      details: { pids: running.map(({ pid }) => pid) },
    })
  return known.size
}

async function waitUntilGone(
  left: () => RunningProcess[],
  deadline: number,
  urge: (running: readonly RunningProcess[]) => void,
): Promise<RunningProcess[]> {
  for (;;) {
    const running = left()
    if (running.length === 0 || performance.now() > deadline) return running
    urge(running)
    await sleep(POLL_MS)
  }
}

function signal(processes: readonly RunningProcess[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name)
    } catch {
      // Gone already; the next look tells.
    }
  }
}
