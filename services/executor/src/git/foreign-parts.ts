/**
 * What makes a repository reach beyond its `.git`: links, second names of files, and the files by which git shares what
 * belongs to another repository. A command that may write in the workspace can make all of these.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { DeedError } from '@deed/proto/errors'
import { openFolder } from '../files/folder.ts'
import type { Workspace } from '../workspace/workspace.ts'

/** Files, below `.git`, that name a place where git continues reading or writing. */
const SHARES: Readonly<Record<string, string>> = {
  commondir: 'it is a linked worktree; name the repository that it belongs to',
  gitdir: 'it is a linked worktree; name the repository that it belongs to',
  'objects/info/alternates': 'run `git repack -a -d` and remove that file',
  'objects/info/http-alternates': 'run `git repack -a -d` and remove that file',
}

/**
 * Reads every name below `.git`, each folder opened without following a link.
 *
 * @throws {DeedError} `not_found`, or `path_outside_workspace` that names the part
 */
export function refuseForeignParts(workspace: Workspace, path: string): void {
  refuseNoFolder(workspace, path)
  const waiting: string[][] = [[]]
  for (let inner = waiting.pop(); inner; inner = waiting.pop()) {
    using folder = openFolder(workspace, [...workspace.base, '.git', ...inner])
    for (const entry of folder ? readdirSync(folder.at('.'), { withFileTypes: true }) : []) {
      const segments = [...inner, entry.name]
      const name = segments.join('/')
      if (name in SHARES) throw leadsOutside(`it has .git/${name}`, SHARES[name]!)
      if (entry.isDirectory()) {
        // No hook is ever run.
        if (name !== 'hooks') waiting.push(segments)
      } else if (entry.isSymbolicLink())
        throw leadsOutside(`.git/${name} is a symbolic link`, 'put the file itself there')
      else if (entry.isFile()) {
        // Git never writes into an object, nor into a lock that is there; into a log it does.
        const replaced = inner[0] === 'objects' || name.endsWith('.lock')
        const names = replaced ? 1 : lstatSync(folder!.at(entry.name), NOT_THERE)?.nlink
        if (names !== undefined && names > 1)
          throw leadsOutside(`.git/${name} has a second name (a hard link)`, 'put a copy of it there')
      } else if (!entry.isSocket()) throw leadsOutside(`.git/${name} is a FIFO or a device`, 'remove it')
    }
  }
}

function refuseNoFolder(workspace: Workspace, path: string): void {
  using folder = openFolder(workspace, workspace.base)
  const stat = folder && lstatSync(folder.at('.git'), NOT_THERE)
  if (!stat) throw new DeedError('not_found', `${path} is not a git repository`, { path: '$.input.repository' })
  if (stat.isSymbolicLink()) throw leadsOutside('its .git is a symbolic link', 'name the repository that it points to')
  if (!stat.isDirectory())
    throw leadsOutside(
      'its .git is a file, as worktrees and submodules have it',
      'name the repository that it belongs to',
    )
}

const NOT_THERE = { throwIfNoEntry: false } as const

export const leadsOutside = (what: string, remedy: string): DeedError =>
  new DeedError('path_outside_workspace', `the repository leads outside: ${what}; ${remedy}`, {
    path: '$.input.repository',
  })
