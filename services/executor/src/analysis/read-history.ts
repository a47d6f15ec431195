/** How often each file was changed by the newest commits of the repository that a folder is in. */
import { DeedError } from '@deed/proto/errors'
import { openFolder } from '../files/folder.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { openRepository, resolveCommit } from '../git/repository.ts'
import type { Context } from '../kind/kind.ts'
import type { Workspace } from '../workspace/workspace.ts'

const COMMITS_MAX = 1_000
/** A commit that changes more files is a move or a format, and says nothing of any of them. */
const FILES_OF_COMMIT_MAX = 200

export type History =
  | { readonly head: string; readonly count: number; readonly commits: ReadonlyMap<string, number> }
  | { readonly why: string }

/** Reads it again only when HEAD has moved. */
export function historyReader(): (context: Context) => Promise<History> {
  const read = new Map<string, { head: string; history: History }>()
  return async (context) => {
    const { workspace } = context
    const folder = repositoryAround(workspace)
    if (!folder) return { why: 'the folder is in no git repository' }
    const key = [workspace.root, ...folder].join('/')
    const head = headOf(workspace, folder)
    const known = read.get(key)
    if (known && head !== undefined && known.head === head) return known.history
    try {
      const history = await readHistory(folder, context)
      if (head !== undefined) read.set(key, { head, history })
      return history
    } catch (error) {
      if (!(error instanceof DeedError) || context.signal.aborted) throw error
      return { why: error.message }
    }
  }
}

/** @returns the folder that has `.git`, below the root of the workspace */
export function repositoryAround(workspace: Workspace): string[] | undefined {
  for (let depth = workspace.base.length; depth >= 0; depth--) {
    const folder = workspace.base.slice(0, depth)
    try {
      using git = openFolder(workspace, [...folder, '.git'])
      if (git) return folder
    } catch (error) {
      // A file or a link of that name: a linked worktree, which is not read.
      if (!(error instanceof DeedError)) throw error
    }
  }
  return undefined
}

/** What HEAD means, without git; `undefined` where that cannot be told from the files. */
function headOf(workspace: Workspace, folder: readonly string[]): string | undefined {
  const read = (name: string) => {
    try {
      return readRegularFile(workspace, [...folder, '.git', ...name.split('/')])
        ?.bytes.toString()
        .trim()
    } catch {
      return undefined
    }
  }
  const head = read('HEAD')
  const ref = head?.startsWith('ref: ') ? head.slice(5) : undefined
  if (ref === undefined) return head
  if (!/^refs\/heads\/[\w./-]+$/.test(ref) || ref.includes('..')) return undefined
  return read(ref) ?? read('packed-refs')
}

async function readHistory(folder: readonly string[], context: Context): Promise<History> {
  const at = { ...context.workspace, base: [] }
  const repository = await openRepository(folder.join('/') || '.', { ...context, workspace: at })
  const head = await resolveCommit(repository, 'HEAD')
  if (head === undefined) return { why: 'the repository has no commit' }
  const { stdout } = await repository.git([
    ...['log', '-z', '--format=%x01', '--name-only', '--no-renames', '--no-merges', '--no-show-signature'],
    ...[`--max-count=${COMMITS_MAX}`, head, '--'],
  ])
  const commits = new Map<string, number>()
  const all = stdout.split('\x01').slice(1)
  for (const commit of all) {
    const files = commit
      .split('\0')
      .map((name) => name.replace(/^\n/, ''))
      .filter((name) => name !== '')
    if (files.length > FILES_OF_COMMIT_MAX) continue
    for (const file of files) {
      const path = [...folder, file].join('/')
      commits.set(path, (commits.get(path) ?? 0) + 1)
    }
  }
  return { head, count: all.length, commits }
}
