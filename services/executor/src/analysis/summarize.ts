/** The answer about a folder, from what is known of its files. */
import { counted } from '@deed/config/counted'
import type { CodebaseAnalysis, SymbolKind } from '@deed/proto/code'
import { type Architecture, architectureOf, type Part } from './architecture.ts'
import { isTest } from './languages.ts'
import type { History } from './read-history.ts'
import type { Scanned } from './scan.ts'
import type { SourceFile, SourceIndex } from './source-index.ts'

export interface SummaryInput {
  readonly index: SourceIndex
  /** The folder, below the root; empty: the root. */
  readonly base: string
  readonly scanned: Scanned
  readonly history: History
  readonly limit: number
  readonly startedAt: number
}

export function summarize({ index, base, scanned, history, limit, startedAt }: SummaryInput): CodebaseAnalysis {
  const below = base === '' ? '' : `${base}/`
  const files = [...index.files.values()].filter(({ path, leftOut }) => leftOut === undefined && path.startsWith(below))
  const languages = languagesOf(files)
  const tests = files.filter(({ path }) => isTest(path))
  const broken = files.filter(({ facts }) => facts.fault !== undefined)
  const { parts, cycles, packages } = architectureOf(files, index.files, base)
  const commits = 'commits' in history ? history.commits : new Map<string, number>()
  const hotSpots = files
    .map(({ path, facts: { complexity } }) => ({ path, commits: commits.get(path) ?? 0, complexity }))
    .filter(({ commits, complexity }) => commits > 0 && complexity > 0)
    .sort((a, b) => b.commits * b.complexity - a.commits * a.complexity)
    .slice(0, limit)
  const highest = highestOf(files, limit)
  const analysis: Omit<CodebaseAnalysis, 'summary' | 'index'> = {
    languages,
    lines: sumOf(languages.map(({ lines }) => lines)),
    symbols: symbolsOf(files),
    tests: { files: tests.length, lines: linesOf(tests) },
    complexity: { total: sumOf(files.map(({ facts }) => facts.complexity)), highest },
    hot_spots: hotSpots,
    history: 'why' in history ? { head: null, why: history.why } : { head: history.head, commits: history.count },
    parts: parts.slice(0, limit).map((part) => shownPart(part, limit)),
    cycles: cycles.slice(0, limit).map((cycle) => cycle.slice(0, limit)),
    packages: highestFirst(packages)
      .slice(0, limit)
      .map(([name, count]) => ({ name, files: count })),
    broken: {
      files: broken.length,
      examples: broken.slice(0, limit).map(({ path, facts }) => ({ path, fault: facts.fault!.slice(0, 512) })),
    },
    left_out: scanned.leftOut,
  }
  const summary = sentences(analysis, files.length, { parts, cycles, packages }).join(' ')
  return { index: indexState(scanned, startedAt), summary, ...analysis }
}

export const indexState = (scanned: Scanned, startedAt: number): CodebaseAnalysis['index'] => ({
  files: scanned.files,
  read: scanned.read,
  removed: scanned.removed,
  complete: scanned.stopped === null,
  stopped: scanned.stopped,
  took_ms: Math.round((performance.now() - startedAt) * 10) / 10,
})

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0)
const linesOf = (files: readonly SourceFile[]): number => sumOf(files.map(({ facts }) => facts.lines))
const highestFirst = (counts: ReadonlyMap<string, number>) => [...counts].sort(([, a], [, b]) => b - a)

function languagesOf(files: readonly SourceFile[]): CodebaseAnalysis['languages'] {
  const languages = new Map<string, CodebaseAnalysis['languages'][number]>()
  for (const { language, facts, parsed } of files) {
    const found = languages.get(language) ?? { language, files: 0, lines: 0, symbols: 0, parsed: false }
    found.files++
    found.lines += facts.lines
    found.symbols += facts.symbols.length
    found.parsed ||= parsed
    languages.set(language, found)
  }
  return [...languages.values()].sort((a, b) => b.lines - a.lines)
}

function symbolsOf(files: readonly SourceFile[]): CodebaseAnalysis['symbols'] {
  const by_kind: Partial<Record<SymbolKind, number>> = {}
  let total = 0
  for (const { facts } of files) {
    total += facts.symbols.length
    for (const { kind } of facts.symbols) by_kind[kind] = (by_kind[kind] ?? 0) + 1
  }
  return { total, by_kind }
}

function highestOf(files: readonly SourceFile[], limit: number): CodebaseAnalysis['complexity']['highest'] {
  const highest: CodebaseAnalysis['complexity']['highest'] = []
  for (const { path, facts } of files) {
    for (const { name, line, complexity } of facts.symbols) {
      if (complexity <= 1 || (highest.length === limit && complexity <= highest.at(-1)!.complexity)) continue
      highest.push({ path, line, symbol: name, complexity })
      highest.sort((a, b) => b.complexity - a.complexity)
      if (highest.length > limit) highest.pop()
    }
  }
  return highest
}

const shownPart = ({ path, files, lines, imports, importedBy }: Part, limit: number) => ({
  ...{ path, files, lines, imported_by: importedBy },
  imports: highestFirst(imports)
    .slice(0, limit)
    .map(([name]) => name),
})

const LANGUAGES_NAMED = 3
const PART_MIN = 2

function sentences(
  { languages, lines, tests, complexity, hot_spots, broken }: Omit<CodebaseAnalysis, 'summary' | 'index'>,
  files: number,
  { parts, cycles, packages }: Architecture,
): string[] {
  if (files === 0) return ['There is no text file in the folder.']
  const named = languages.slice(0, LANGUAGES_NAMED).map((one) => `${one.language} (${percent(one.lines, lines)})`)
  const [hub] = [...parts].sort((a, b) => b.importedBy - a.importedBy)
  const [worst] = complexity.highest
  const [hot] = hot_spots
  return [
    `${counted(files, 'file')} with ${counted(lines, 'line')}: ${named.join(', ')}.`,
    ...(parts.length < PART_MIN ? [] : [`It has ${parts.length} parts, the largest is ${parts[0]!.path}.`]),
    ...(hub && hub.importedBy > 0 ? [`${hub.path} is imported by ${counted(hub.importedBy, 'other part')}.`] : []),
    ...(parts.length < PART_MIN
      ? []
      : [
          cycles.length === 0
            ? 'No parts import each other.'
            : `${counted(cycles.length, 'group')} of parts import each other.`,
        ]),
    `${percent(tests.files, files)} of the files are tests.`,
    ...(packages.size > 0 ? [`It imports ${counted(packages.size, 'package')} from elsewhere.`] : []),
    ...(worst ? [`The most complex function is ${worst.symbol} in ${worst.path} (${worst.complexity}).`] : []),
    ...(hot ? [`${hot.path} is complex and changes often (${counted(hot.commits, 'commit')}).`] : []),
    ...(broken.files > 0 ? [`${counted(broken.files, 'file')} cannot be parsed whole.`] : []),
  ]
}

const percent = (part: number, whole: number): string => `${whole === 0 ? 0 : Math.round((100 * part) / whole)} %`
