/** Whether a lock that is found in a repository has a holder: git itself writes into it neither pid nor host. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'

/** A git that has only just made its lock may not be seen yet. In milliseconds. */
const YOUNG_MS = 10_000

/**
 * Whether a lock was left by a process that has died: no process has it open, and no git works in the repository.
 *
 * @param root absolute path of the repository
 * @param lock absolute path of the lock
 * @returns false where there is no lock, where it is young, and where that cannot be known
 */
export function isForsakenLock(root: string, lock: string): boolean {
  const stat = lstatSync(lock, { throwIfNoEntry: false })
  // One of Deed's own has a second name, by which its action finds it again.
  if (process.platform !== 'linux' || !stat || stat.nlink > 1 || Date.now() - stat.mtimeMs < YOUNG_MS) return false
  const place = realpathSync(root)
  return !readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && mayHold(pid, place, `${place}/.git/index.lock`))
}

function mayHold(pid: string, root: string, lock: string): boolean {
  try {
    if (readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('git')) {
      // Of another user's git nobody can see where it works.
      const cwd = readlinkSync(`/proc/${pid}/cwd`)
      if (cwd === root || cwd.startsWith(`${root}/`)) return true
    }
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === lock)
  } catch (error) {
    // It has ended meanwhile, or belongs to somebody else.
    const { code, path = '' } = error as NodeJS.ErrnoException
    return code === 'EACCES' && path.endsWith('/cwd')
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
