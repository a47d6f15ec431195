/** Moves what a file declares at its top into another file, and rewrites the imports of it. */
import { ts } from '@ts-morph/common'
import { findDeclaration, sourceOf } from './find-declaration.ts'
import type { Project } from './project.ts'
import { Refused } from './refused.ts'

const MOVE = 'Move to file'

/** @param path,to absolute; `to` is made where it is missing @returns how many places have changed */
export function moveSymbol(project: Project, path: string, symbol: string, to: string, line?: number): number {
  if (path === to) throw new Refused('invalid_request', 'path and to are the same file')
  const file = sourceOf(project, path)
  const declared = findDeclaration(project, path, symbol, line)
  const statement = file.statements.find((one) => one.pos <= declared.pos && declared.end <= one.end)
  if (!statement || nameDepth(declared, statement) > 0)
    throw new Refused(
      'precondition_failed',
      `${symbol} is not declared at the top of its file, so it cannot be moved alone`,
    )
  const range = { pos: statement.getStart(file), end: statement.end }
  const found = project.service.getEditsForRefactor(
    path,
    project.format(path),
    range,
    MOVE,
    MOVE,
    project.preferences(path),
    { targetFile: to },
  )
  if (!found || found.edits.length === 0)
    throw new Refused(
      'precondition_failed',
      `${symbol} cannot be moved${found?.notApplicableReason ? `: ${found.notApplicableReason}` : ''}`,
    )
  project.edit(found.edits)
  return found.edits.reduce((sum, { textChanges }) => sum + textChanges.length, 0)
}

/** How many functions and classes are between a name and the statement that it is in. */
function nameDepth(declared: ts.Node, statement: ts.Node): number {
  let depth = 0
  for (let node = declared.parent; node && node !== statement; node = node.parent)
    if (ts.isFunctionLike(node) || ts.isClassLike(node) || ts.isBlock(node)) depth++
  return depth
}
