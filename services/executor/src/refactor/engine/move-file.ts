/** Moves a file, and rewrites the paths by which it imports others and others import it. */
import type { Project } from './project.ts'
import { Refused } from './refused.ts'

/** @param path,to absolute @returns how many places have changed, the move itself among them */
export function moveFile(project: Project, path: string, to: string): number {
  const text = project.read(path)
  const shown = (at: string) => at.slice(project.root.length + 1)
  if (text === undefined || !project.files().includes(path))
    throw new Refused('not_found', `${shown(path)} is no source file of TypeScript or JavaScript`)
  if (project.read(to) !== undefined) throw new Refused('precondition_failed', `${shown(to)} exists already`)
  const changes = project.service.getEditsForFileRename(path, to, project.format(path), project.preferences(path))
  project.edit(changes)
  project.write(to, project.read(path))
  project.write(path, undefined)
  return changes.reduce((sum, { textChanges }) => sum + textChanges.length, 1)
}
