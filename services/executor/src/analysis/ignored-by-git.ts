/** What `.gitignore` leaves out of the repository that a folder is in, as git itself says it. */
import { DeedError } from '@deed/proto/errors'
import { openRepository } from '../git/repository.ts'
import type { Context } from '../kind/kind.ts'
import { repositoryAround } from './read-history.ts'

/** Paths below the root of the workspace; a folder stands for everything in it. */
export interface IgnoredByGit {
  readonly paths: readonly string[]
  /** Why git does not say it; nothing is left out then. */
  readonly why?: string
}

/** How long an answer counts: a search that follows another one does not ask git again. */
const FRESH_MS = 2_000

/** Asks git, or repeats what it said a moment ago. */
export function ignoredReader(): (context: Context) => Promise<IgnoredByGit> {
  const read = new Map<string, { at: number; ignored: IgnoredByGit }>()
  return async (context) => {
    const { workspace } = context
    const folder = repositoryAround(workspace)
    if (!folder) return { paths: [] }
    const key = [workspace.root, ...folder].join('/')
    const known = read.get(key)
    if (known && performance.now() - known.at < FRESH_MS) return known.ignored
    const ignored = await readIgnored(folder, context)
    read.set(key, { at: performance.now(), ignored })
    return ignored
  }
}

/** Files that are tracked are not among them, whatever `.gitignore` says: they are a part of the repository. */
async function readIgnored(folder: readonly string[], context: Context): Promise<IgnoredByGit> {
  try {
    const at = { ...context.workspace, base: [] }
    const repository = await openRepository(folder.join('/') || '.', { ...context, workspace: at })
    const { stdout } = await repository.git([
      ...['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory'],
    ])
    const names = stdout.split('\0').filter((name) => name !== '')
    return { paths: names.map((name) => [...folder, name.replace(/\/$/, '')].join('/')) }
  } catch (error) {
    if (!(error instanceof DeedError) || context.signal.aborted) throw error
    return { paths: [], why: error.message }
  }
}
