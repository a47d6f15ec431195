/**
 * Shared by all test files of a run: a temporary folder, and one PostgreSQL on which each test gets its own database. A
 * run that leaves processes behind fails and names them.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres } from './postgres.ts'
import { identify } from './process-identity.ts'

/** Processes that were told to stop when their test ended may still be draining. */
const DRAIN_MS_MAX = 60_000
const POLL_MS = 200

/** Sets `TMPDIR` and `DEED_TEST_DATABASE_URL`. Disposing ends everything, and fails if tests left processes running. */
export async function startTestRun(): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'deed-tests-'))
  // Like /tmp: tests run some of their processes as another user.
  chmodSync(folder, 0o1777)
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false })
  process.env.TMPDIR = folder
  process.env.DEED_TEST_DATABASE_URL = postgres.url
  const clear = (left = processesOf(folder)): void => {
    for (const { pid } of left) kill(pid)
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      // A failed test may have left a folder that this user cannot read.
      console.error(`${folder} could not be removed: ${(error as Error).message}`)
    }
  }
  // An interrupted run ends everything that it started.
  const leave = (): void => clear()
  process.once('exit', leave)
  return {
    async [Symbol.asyncDispose]() {
      process.off('exit', leave)
      await postgres[Symbol.asyncDispose]()
      const left = await whatIsLeft(folder)
      clear(left)
      if (left.length === 0) return
      const names = left.map(({ pid, command }) => `  ${pid}  ${command}`).join('\n')
      throw new Error(`the tests left ${left.length} processes running, which were ended now:\n${names}`)
    },
  }
}

/** It may have ended since it was listed. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

interface Left {
  readonly pid: number
  readonly command: string
}

/** Processes of this run that do not end by themselves within a minute. */
async function whatIsLeft(folder: string): Promise<Left[]> {
  for (const end = performance.now() + DRAIN_MS_MAX; ; await sleep(POLL_MS)) {
    const left = processesOf(folder)
    if (left.length === 0 || performance.now() > end) return left
  }
}

/**
 * Processes that refer to the folder by their environment, their command line or their working directory, except the
 * children of this process, which run the test files. Empty without /proc.
 */
function processesOf(folder: string): Left[] {
  return namesIn('/proc').flatMap((name): Left[] => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid || parentOf(pid) === process.pid || !identify(pid)) return []
    const command = textOf(`/proc/${pid}/cmdline`)
    const known = [command, textOf(`/proc/${pid}/environ`), whereIs(pid)].some((text) => text.includes(folder))
    return known ? [{ pid, command: command.replaceAll('\0', ' ').trim().slice(0, 300) }] : []
  })
}

const parentOf = (pid: number): number => Number(/^PPid:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1])

function whereIs(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

/** Empty if the process has ended, or belongs to another user. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
