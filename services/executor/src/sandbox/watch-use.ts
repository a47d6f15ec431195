/**
 * Watches what a command takes that the kernel does not bound for it: the disk always; memory and processes where there
 * is no control group. It looks a few times a second, so a command may be ahead of it by what it does in that time.
 */
import { lstatSync, readdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { DeedError } from '@deed/proto/errors'
import type { RunningProcess } from '../processes/process-table.ts'
import { DISK_BYTES_MAX, type Limit, MEMORY_BYTES_MAX, NEW_FILES_MAX, PROCESSES_MAX } from './limits.ts'

const CHECK_MS = 250
const BLOCK_BYTES = 512

export interface Watched {
  /** Absolute. */
  readonly workspace: string
  /** All processes of the command; absent where the kernel counts them. */
  readonly processes?: (() => readonly RunningProcess[]) | undefined
  readonly bounds?: UseBounds
}

export interface UseBounds {
  readonly memoryBytes: number
  readonly processes: number
  readonly diskBytes: number
  readonly newFiles: number
}

const DEFAULT_BOUNDS: UseBounds = {
  memoryBytes: MEMORY_BYTES_MAX,
  processes: PROCESSES_MAX,
  diskBytes: DISK_BYTES_MAX,
  newFiles: NEW_FILES_MAX,
}

export interface Watch extends Disposable {
  /** Resolves when a limit is exceeded; never otherwise. */
  readonly exceeded: Promise<Limit>
  /** Resolves when the use cannot be measured any longer, such as after the workspace was moved; never otherwise. */
  readonly failed: Promise<DeedError>
}

export function watchUse({ workspace, processes, bounds = DEFAULT_BOUNDS }: Watched): Watch {
  const since = Date.now()
  let most: Space = { bytes: 0, files: 0 }
  const exceeded = Promise.withResolvers<Limit>()
  const failed = Promise.withResolvers<DeedError>()
  const check = (): void => {
    try {
      const free = freeSpace(workspace)
      // What others have freed meanwhile does not hide what is taken from then on.
      most = { bytes: Math.max(most.bytes, free.bytes), files: Math.max(most.files, free.files) }
      const taken = { bytes: most.bytes - free.bytes, files: most.files - free.files }
      const limit = processLimit(processes?.() ?? [], bounds) ?? diskLimit(workspace, taken, since, bounds)
      if (limit !== undefined) exceeded.resolve(limit)
    } catch (cause) {
      // A command that nothing bounds does not go on.
      const text = `the command was ended, since its use of the workspace cannot be measured: ${(cause as Error).message}`
      failed.resolve(new DeedError('effect_failed', text, { cause }))
    }
  }
  check()
  const timer = setInterval(check, CHECK_MS)
  timer.unref()
  return { exceeded: exceeded.promise, failed: failed.promise, [Symbol.dispose]: () => clearInterval(timer) }
}

function processLimit(processes: readonly RunningProcess[], bounds: UseBounds): Limit | undefined {
  if (processes.length > bounds.processes) return 'processes'
  const bytes = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0)
  return bytes > bounds.memoryBytes ? 'memory' : undefined
}

/** The file system is asked first, which is cheap. What others fill is told apart by going through the workspace. */
function diskLimit(
  workspace: string,
  taken: Space,
  since: number,
  { diskBytes, newFiles }: UseBounds,
): Limit | undefined {
  if (taken.bytes < diskBytes && taken.files < newFiles) return undefined
  let [files, bytes] = [0, 0]
  const waiting = [workspace]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) waiting.push(path)
      const stat = lstatSync(path, { throwIfNoEntry: false })
      if (!stat || stat.ctimeMs < since) continue
      files++
      bytes += stat.blocks * BLOCK_BYTES
      if (bytes > diskBytes) return 'disk'
      if (files > newFiles) return 'files'
    }
  }
  return undefined
}

interface Space {
  readonly bytes: number
  readonly files: number
}

function freeSpace(path: string): Space {
  const { bavail, bsize, ffree } = statfsSync(path)
  return { bytes: bavail * bsize, files: ffree }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    // Gone in the meantime.
    return []
  }
}
