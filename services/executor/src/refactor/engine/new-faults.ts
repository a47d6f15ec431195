/** What TypeScript finds wrong after a change that it did not find wrong before. */
import { ts } from '@ts-morph/common'
import type { Project } from './project.ts'

/** In a project of no more files than this, each of them is checked; else those that change, and those that import them. */
const FILES_ALL = 200
const FAULTS_NAMED = 5

/** @param files absolute paths @returns a sentence for each of the first few; none: there is nothing new */
export function newFaults(project: Project, changed: Record<string, string | null>): string[] {
  const own = Object.keys(changed).map((path) => `${project.root}/${path}`)
  const after = faultsIn(project, concerned(project, own))
  for (const path of own) project.write(path, project.onDisk(path))
  const before = faultsIn(project, concerned(project, own))
  for (const [path, text] of Object.entries(changed)) project.write(`${project.root}/${path}`, text ?? undefined)
  return [...after]
    .flatMap(([code, found]) => found.slice(0, Math.max(0, found.length - (before.get(code)?.length ?? 0))))
    .slice(0, FAULTS_NAMED)
}

function concerned(project: Project, paths: readonly string[]): readonly string[] {
  const all = project.files().filter((path) => project.read(path) !== undefined)
  if (all.length <= FILES_ALL) return all
  const there = paths.filter((path) => project.read(path) !== undefined)
  const importing = there.flatMap((path) => project.service.getFileReferences(path).map(({ fileName }) => fileName))
  return [...new Set([...there, ...importing])].filter((path) => all.includes(path))
}

/** By the code of the fault: its words may name what was renamed, and its place may have moved. */
function faultsIn(project: Project, paths: readonly string[]): Map<number, string[]> {
  const faults = new Map<number, string[]>()
  for (const path of paths) {
    const syntax = project.service.getSyntacticDiagnostics(path)
    for (const { code, messageText, start, file } of [...syntax, ...project.service.getSemanticDiagnostics(path)]) {
      const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 1
      const text = `${path.slice(project.root.length + 1)}, line ${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
      faults.set(code, [...(faults.get(code) ?? []), text])
    }
  }
  return faults
}
