/** The parts of a codebase, what they import of each other, and where that goes round in a circle. */
import { posix } from 'node:path'
import { resolverOf } from './resolve-imports.ts'
import type { SourceFile } from './source-index.ts'

export interface Part {
  readonly path: string
  files: number
  lines: number
  /** How many files import each other part. */
  readonly imports: Map<string, number>
  importedBy: number
}

export interface Architecture {
  readonly parts: readonly Part[]
  readonly cycles: readonly (readonly string[])[]
  /** How many files import each package from elsewhere. */
  readonly packages: ReadonlyMap<string, number>
}

/**
 * @param files of the folder
 * @param all of the root, which imports may lead to
 * @param base the folder, below the root; empty: the root
 */
export function architectureOf(
  files: readonly SourceFile[],
  all: ReadonlyMap<string, SourceFile>,
  base: string,
): Architecture {
  const partOf = partsOf(files, base)
  const resolve = resolverOf(all)
  const parts = new Map<string, Part>()
  const packages = new Map<string, number>()
  const part = (path: string): Part => {
    const known = parts.get(path) ?? { path, files: 0, lines: 0, imports: new Map(), importedBy: 0 }
    parts.set(path, known)
    return known
  }
  for (const file of files) {
    const own = part(partOf(file.path))
    own.files++
    own.lines += file.facts.lines
    const meant = new Set<string>()
    for (const imported of file.facts.imports) {
      const found = resolve(file, imported)
      if (!found) continue
      if ('package' in found) meant.add(`package ${found.package}`)
      else if (base === '' || found.inside.startsWith(`${base}/`)) meant.add(`part ${partOf(found.inside)}`)
    }
    for (const one of meant) {
      const name = one.slice(one.indexOf(' ') + 1)
      if (one.startsWith('package ')) packages.set(name, (packages.get(name) ?? 0) + 1)
      else if (name !== own.path) own.imports.set(name, (own.imports.get(name) ?? 0) + 1)
    }
  }
  for (const { imports } of parts.values()) for (const path of imports.keys()) part(path).importedBy++
  return { parts: [...parts.values()].sort((a, b) => b.lines - a.lines), cycles: cyclesOf(parts), packages }
}

const MANIFESTS_MIN = 2
const DEPTH = 2

/** By the folders with a manifest where there are several, else by the first levels of folders. */
function partsOf(files: readonly SourceFile[], base: string): (path: string) => string {
  const folders = new Set(files.filter(({ provides }) => provides !== undefined).map(({ path }) => posix.dirname(path)))
  folders.delete(base === '' ? '.' : base)
  const depth = (base === '' ? 0 : base.split('/').length) + DEPTH
  const byFolder = new Map<string, string>()
  const find = (folder: string): string => {
    if (folders.size < MANIFESTS_MIN) return folder.split('/').slice(0, depth).join('/')
    for (let at = folder; at !== '.'; at = posix.dirname(at)) if (folders.has(at)) return at
    return '.'
  }
  return (path) => {
    const folder = folders.has(path) ? path : posix.dirname(path)
    const known = byFolder.get(folder) ?? find(folder)
    byFolder.set(folder, known)
    return known
  }
}

/** Those that reach each other, by Tarjan's algorithm, without recursion. */
function cyclesOf(parts: ReadonlyMap<string, Part>): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const waiting: string[] = []
  const inside = new Set<string>()
  const found: string[][] = []
  for (const start of parts.keys()) {
    if (order.has(start)) continue
    const path: { name: string; next: string[] }[] = []
    const enter = (name: string) => {
      order.set(name, order.size)
      low.set(name, order.get(name)!)
      waiting.push(name)
      inside.add(name)
      path.push({ name, next: [...(parts.get(name)?.imports.keys() ?? [])] })
    }
    const lower = (name: string, to: number) => low.set(name, Math.min(low.get(name)!, to))
    enter(start)
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.next.pop()
      if (next === undefined) {
        path.pop()
        const above = path.at(-1)
        if (above) lower(above.name, low.get(top.name)!)
        if (low.get(top.name) !== order.get(top.name)) continue
        const cycle = waiting.splice(waiting.indexOf(top.name))
        for (const name of cycle) inside.delete(name)
        if (cycle.length > 1) found.push(cycle.sort())
      } else if (!order.has(next)) enter(next)
      else if (inside.has(next)) lower(top.name, order.get(next)!)
    }
  }
  return found
}
