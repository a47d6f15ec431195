/** Who this process is among all that have been and will be: the host, its boot, the pid and its start. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { runningProcess } from './process-table.ts'

export function thisProcess(): Holder {
  const { pid } = process
  return {
    workerId: `${hostname()}-${pid}-${randomBytes(4).toString('hex')}`,
    host: hostname(),
    bootId: bootId(),
    pid,
    pidStarted: runningProcess(pid)?.started ?? 'unknown',
  }
}

/**
 * Whether the process that wrote the row may still be at work. On another host that is unknown, so there it may: its
 * lease ends, and then the task comes again under a higher token.
 */
export function holderLives(
  row: { host: string; boot_id: string; pid: number; pid_started: string },
  self: Holder,
): boolean {
  if (row.host !== self.host) return true
  if (row.boot_id !== self.bootId) return false
  // This process itself has no other attempt at the action under way, or it would not ask.
  if (row.pid === self.pid && row.pid_started === self.pidStarted) return false
  return runningProcess(row.pid)?.started === row.pid_started
}

export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}

/** The process that makes an attempt. */
export interface Holder {
  readonly workerId: string
  readonly host: string
  readonly bootId: string
  readonly pid: number
  readonly pidStarted: string
}
