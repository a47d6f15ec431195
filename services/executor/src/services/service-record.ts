/**
 * Which processes a service is: what its supervisor has written down of it, pids with their start times, and what the
 * process table says is below them now. Nothing of it lies in a process of the service, so none can erase it.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  descendantsOf,
  processesMarked,
  type RunningProcess,
  runningProcess,
  stillRunning,
} from '../processes/process-table.ts'
import { bootId } from '../processes/this-process.ts'

export interface ProcessName {
  readonly pid: number
  /** In clock ticks since the boot. */
  readonly started: string
}

export interface ServiceRecord {
  /** Of the host: pids of an earlier one name nothing. */
  readonly boot: string
  readonly supervisor: ProcessName
  /** Absent where this host has none: then `known` is what the supervisor has read from the process table. */
  readonly reaper?: ProcessName
  /** The process that the command became. */
  readonly main: ProcessName
  readonly known: readonly ProcessName[]
  /** How `main` has ended; absent while it runs. */
  readonly ended?: { readonly code: number } | { readonly signal: string }
}

/** Where services of an installation have their logs, and supervisors their records. */
export const servicesFolder = (dataFolder: string): string => join(dataFolder, 'services')
export const logOf = (dataFolder: string, name: string): string => join(servicesFolder(dataFolder), `${name}.log`)
const recordOf = (dataFolder: string, name: string) => join(servicesFolder(dataFolder), `${name}.json`)

/** In the environment of a service: a hint for people, and for what was left by a supervisor that was killed. */
export const marksOf = (dataFolder: string, name: string): Record<string, string> => ({
  DEED_TARGET: name,
  DEED_TARGET_OF: dataFolder,
})

export const nameOf = ({ pid, started }: RunningProcess): ProcessName => ({ pid, started })

/** @returns `undefined` where there is none, of this boot and of this form */
export function readRecord(dataFolder: string, name: string): ServiceRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(recordOf(dataFolder, name), 'utf8')) as ServiceRecord
    return record.boot === bootId() ? record : undefined
  } catch {
    // Never started here, or cut off by a disk that was full: the marks are left.
    return undefined
  }
}

/** Whole or not at all, for who reads it meanwhile. */
export function writeRecord(dataFolder: string, name: string, record: ServiceRecord): void {
  const file = recordOf(dataFolder, name)
  writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Every process of the service that runs, without its supervisor. */
export function processesOf(dataFolder: string, name: string, record = readRecord(dataFolder, name)): RunningProcess[] {
  const reaper = running(record?.reaper)
  if (reaper) return descendantsOf([reaper]).filter(({ pid }) => pid !== reaper.pid)
  const recorded = record ? [record.main, ...record.known].flatMap((one) => running(one) ?? []) : []
  const marks = Object.entries(marksOf(dataFolder, name)).map(([key, value]) => `${key}=${value}`)
  return stillRunning(descendantsOf([...recorded, ...processesMarked(...marks)]))
}

export function running(name: ProcessName | undefined): RunningProcess | undefined {
  const found = name && runningProcess(name.pid)
  return found?.started === name?.started ? found : undefined
}
