/**
 * The source files of a workspace as TypeScript's language service sees them, with changes that are in memory alone. Nothing
 * outside of the root is read, whatever a link or a configuration names.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { getLibFiles, getLibFolderPath, ts } from '@ts-morph/common'

export interface Project {
  readonly root: string
  readonly service: ts.LanguageService
  /** Absolute paths of the source files, as they are now. */
  files(): readonly string[]
  /** @param path absolute @returns `undefined` where there is none, or none that is text */
  read(path: string): string | undefined
  /** @param text undefined: the file is gone */
  write(path: string, text: string | undefined): void
  edit(changes: readonly ts.FileTextChanges[]): void
  /** As `read`, without the changes that were made here. */
  onDisk(path: string): string | undefined
  program(): ts.Program
  /** What differs from the disk: paths below the root; null: gone. */
  changed(): Record<string, string | null>
  /** How its text is written: line breaks, indentation, semicolons; what is generated follows it. */
  format(path: string): ts.FormatCodeSettings
  preferences(path: string): ts.UserPreferences
}

const LIB = getLibFolderPath({})
const FILE_BYTES_MAX = 5_000_000

/**
 * @param files source files, relative to the root
 * @param path of the file that is refactored; the tsconfig.json next to it or above says how the project is compiled
 */
export function openProject(root: string, files: readonly string[], path: string): Project {
  const libs = new Map(getLibFiles().map(({ fileName, text }) => [`${LIB}/${fileName}`, text]))
  const known = new Set(files.map((file) => join(root, file)))
  const disk = new Map<string, string | undefined>()
  const overlay = new Map<string, { text: string | undefined; version: number }>()
  const inside = (at: string) => {
    try {
      const real = realpathSync(at)
      return real === root || real.startsWith(`${root}/`)
    } catch {
      return false
    }
  }
  const fromDisk = (at: string): string | undefined => {
    if (!disk.has(at)) disk.set(at, inside(at) ? textOf(at) : undefined)
    return disk.get(at)
  }
  const read = (at: string) => libs.get(at) ?? (overlay.has(at) ? overlay.get(at)?.text : fromDisk(at))
  const write = (at: string, text: string | undefined) => {
    overlay.set(at, { text, version: (overlay.get(at)?.version ?? 0) + 1 })
    if (text === undefined) known.delete(at)
    else known.add(at)
  }
  const isFolder = (at: string) =>
    (inside(at) && statSync(at, { throwIfNoEntry: false })?.isDirectory() === true) ||
    [...overlay].some(([path, { text }]) => text !== undefined && path.startsWith(`${at}/`))
  const foldersIn = (at: string) =>
    isFolder(at) ? readdirSync(at, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [] : entry.name)) : []
  const options = optionsOf(root, join(root, path), read)
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [...known],
    getScriptVersion: (at) => String(overlay.get(at)?.version ?? 0),
    getScriptSnapshot: (at) => {
      const text = read(at)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (given) => `${LIB}/${ts.getDefaultLibFileName(given)}`,
    fileExists: (at) => read(at) !== undefined,
    readFile: read,
    directoryExists: isFolder,
    getDirectories: foldersIn,
    realpath: (at) => (overlay.has(at) || !inside(at) ? at : realpathSync(at)),
  })

  return {
    root,
    service,
    files: () => [...known],
    read,
    write,
    onDisk: fromDisk,
    edit(changes) {
      for (const { fileName, textChanges } of changes) write(fileName, edited(read(fileName) ?? '', textChanges))
    },
    program: () => service.getProgram()!,
    changed: () =>
      Object.fromEntries(
        [...overlay].flatMap(([at, { text }]) =>
          text === fromDisk(at) ? [] : [[at.slice(root.length + 1), text ?? null]],
        ),
      ),
    format: (at) => formatOf(read(at) ?? ''),
    preferences: (at) => ({ quotePreference: count(read(at), "'") >= count(read(at), '"') ? 'single' : 'double' }),
  }
}

/** From the last to the first, so that what comes before stays where it is. */
export function edited(text: string, changes: readonly ts.TextChange[]): string {
  const sorted = [...changes].sort((a, b) => b.span.start - a.span.start)
  return sorted.reduce(
    (now, { span, newText }) => now.slice(0, span.start) + newText + now.slice(span.start + span.length),
    text,
  )
}

function formatOf(text: string): ts.FormatCodeSettings {
  const lines = text.split('\n')
  const indents = lines.map((line) => line.length - line.trimStart().length).filter((size) => size > 1)
  const { Ignore, Remove } = ts.SemicolonPreference
  return {
    ...ts.getDefaultFormatCodeSettings(text.includes('\r\n') ? '\r\n' : '\n'),
    indentSize: Math.min(8, ...(indents.length === 0 ? [2] : indents)),
    convertTabsToSpaces: !lines.some((line) => line.startsWith('\t')),
    semicolons: lines.some((line) => line.trimEnd().endsWith(';')) ? Ignore : Remove,
  }
}

const count = (text: string | undefined, part: string): number => (text ?? '').split(part).length

/** With its byte-order mark, which is written again; what is no UTF-8 is no source. */
function textOf(path: string): string | undefined {
  try {
    const stat = statSync(path)
    if (!stat.isFile() || stat.size > FILE_BYTES_MAX) return undefined
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path))
  } catch {
    return undefined
  }
}

/** As the project says it, and where it says nothing as Node and bundlers take it. */
function optionsOf(root: string, path: string, read: (path: string) => string | undefined): ts.CompilerOptions {
  const { ESNext } = ts.ScriptTarget
  const { Preserve } = ts.ModuleKind
  const { Bundler } = ts.ModuleResolutionKind
  const fallback = { target: ESNext, module: Preserve, moduleResolution: Bundler, allowImportingTsExtensions: true }
  const file = nearestConfig(root, dirname(path), read)
  const host: ts.ParseConfigHost = {
    useCaseSensitiveFileNames: true,
    fileExists: (at) => read(at) !== undefined,
    readFile: read,
    readDirectory: () => [],
  }
  const parsed =
    file === undefined
      ? undefined
      : ts.parseJsonConfigFileContent(ts.readConfigFile(file, read).config ?? {}, host, dirname(file), undefined, file)
  return {
    ...(parsed?.options ?? fallback),
    ...{ allowJs: true, noEmit: true, composite: false, incremental: false, skipLibCheck: true },
    declaration: false,
  }
}

function nearestConfig(root: string, from: string, read: (path: string) => string | undefined): string | undefined {
  for (let folder = from; folder.startsWith(root); folder = dirname(folder)) {
    const found = ['tsconfig.json', 'jsconfig.json'].map((name) => join(folder, name)).find((at) => read(at))
    if (found !== undefined) return found
    if (folder === dirname(folder)) break
  }
  return undefined
}
