/** Makes a function of its own out of lines of another one. */

import { sourceOf } from './find-declaration.ts'
import type { Project } from './project.ts'
import { Refused } from './refused.ts'
import { renameAt } from './rename.ts'

const EXTRACT = 'Extract Symbol'

/** @param from,to lines, counted from 1, both of them extracted @returns how many places have changed */
export function extractFunction(project: Project, path: string, from: number, to: number, name: string): number {
  const file = sourceOf(project, path)
  const starts = file.getLineStarts()
  if (from > to || to > starts.length)
    throw new Refused('invalid_request', `there are no lines ${from} to ${to}: the file has ${starts.length}`)
  const all = file.text.slice(starts[from - 1], starts[to] ?? file.text.length)
  const pos = starts[from - 1]! + all.length - all.trimStart().length
  const range = { pos, end: pos + all.trim().length }
  const actions = project.service
    .getApplicableRefactors(path, range, {}, undefined, undefined)
    .filter((refactor) => refactor.name === EXTRACT)
    .flatMap((refactor) => refactor.actions)
  // The last scope is the outermost one, of the file itself.
  const action = actions.filter((one) => one.name.startsWith('function_scope_') && !one.notApplicableReason).at(-1)
  if (!action)
    throw new Refused(
      'precondition_failed',
      `lines ${from} to ${to} cannot be a function: they are no whole statements, or leave their function at several points`,
    )
  const found = project.service.getEditsForRefactor(
    path,
    project.format(path),
    range,
    EXTRACT,
    action.name,
    project.preferences(path),
  )
  if (!found || found.renameLocation === undefined)
    throw new Refused('precondition_failed', `lines ${from} to ${to} cannot be a function`)
  project.edit(found.edits)
  const changed = found.edits.reduce((sum, { textChanges }) => sum + textChanges.length, 0)
  renameAt(project, path, found.renameLocation, name)
  return changed
}
