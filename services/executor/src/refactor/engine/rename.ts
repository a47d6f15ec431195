/**
 * Renames what a file declares, in every file that uses it. Afterwards the new name is looked up again: where it has another
 * set of places than the old one had, another thing of that name was met, and nothing is changed.
 */
import type { ts } from '@ts-morph/common'
import { findDeclaration } from './find-declaration.ts'
import type { Project } from './project.ts'
import { Refused } from './refused.ts'

const PREFERENCES = { providePrefixAndSuffixTextForRename: true }

/** @returns how many places have changed */
export function rename(project: Project, path: string, symbol: string, to: string, line?: number): number {
  const declared = findDeclaration(project, path, symbol, line)
  if (declared.getText() === to) throw new Refused('precondition_failed', `${symbol} has the name ${to} already`)
  return renameAt(project, path, declared.getStart(), to)
}

/** @param at where the name begins in the file */
export function renameAt(project: Project, path: string, at: number, to: string): number {
  const { service, root } = project
  const locations = service.findRenameLocations(path, at, false, false, PREFERENCES)
  if (!locations || locations.length === 0)
    throw new Refused('precondition_failed', 'TypeScript knows of no place at which this could be renamed')
  const foreign = locations.find(({ fileName }) => !isOwn(project, fileName))
  if (foreign) throw new Refused('precondition_failed', `it is declared outside of the project, in ${foreign.fileName}`)
  const expected = [...byFile(locations)].flatMap(([file, all]) => placesAfter(file, all, to))
  project.edit(
    [...byFile(locations)].map(([fileName, all]) => ({
      fileName,
      textChanges: all.map(({ textSpan, prefixText = '', suffixText = '' }) => ({
        span: textSpan,
        newText: `${prefixText}${to}${suffixText}`,
      })),
    })),
  )
  const moved = expected.find(({ was }) => was.file === path && was.start === at)
  const now = service.findRenameLocations(path, moved?.start ?? at, false, false, PREFERENCES) ?? []
  const places = new Set(expected.map(({ was, start }) => `${was.file}:${start}`))
  const met = now.find(({ fileName, textSpan }) => !places.delete(`${fileName}:${textSpan.start}`))
  const other = met ? { file: met.fileName, start: met.textSpan.start } : placeOf([...places][0])
  if (!other) return locations.length
  const lines = (project.read(other.file) ?? '').slice(0, other.start).split('\n')
  throw new Refused(
    'precondition_failed',
    `${to} would be confused with another ${to}: ${other.file.slice(root.length + 1)}, line ${lines.length}`,
  )
}

function placeOf(place: string | undefined): { file: string; start: number } | undefined {
  const colon = place?.lastIndexOf(':') ?? -1
  return place === undefined ? undefined : { file: place.slice(0, colon), start: Number(place.slice(colon + 1)) }
}

/** Packages are not the project's own, even where they lie in its folder. */
const isOwn = (project: Project, path: string): boolean =>
  path.startsWith(`${project.root}/`) && !path.includes('/node_modules/')

function byFile(locations: readonly ts.RenameLocation[]): Map<string, ts.RenameLocation[]> {
  return Map.groupBy(locations, ({ fileName }) => fileName)
}

/** Where each name begins when all in its file are renamed. */
function placesAfter(file: string, locations: readonly ts.RenameLocation[], to: string) {
  let shift = 0
  return [...locations]
    .sort((a, b) => a.textSpan.start - b.textSpan.start)
    .map(({ textSpan, prefixText = '', suffixText = '' }) => {
      const start = textSpan.start + shift + prefixText.length
      shift += prefixText.length + to.length + suffixText.length - textSpan.length
      return { was: { file, start: textSpan.start }, start }
    })
}
